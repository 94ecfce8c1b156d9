/**
 * The Worker of `npm run dev`: the service, and one route that exchanges the one-time code of the printed link for the local
 * key. The route is here, and not in src, so that no deployed Worker has it.
 */
import type { Bindings } from '../src/core/settings.ts';
import worker from '../src/index.ts';

export { Hub } from '../src/index.ts';

interface DevBindings extends Bindings {
	/** The port of this machine where `npm run dev` gives the key for the code. */
	KEY_FOR_CODE_PORT: string;
}

const ANSWERS = {
	200: 'OK',
	401: 'The code does not work.',
	403: 'Only the inspector may send a code.',
} as const;

const answer = (status: keyof typeof ANSWERS, body: string = ANSWERS[status]): Response =>
	new Response(body, {
		status,
		headers: {
			'Cache-Control': 'no-store',
			'Content-Type': 'text/plain; charset=utf-8',
			'X-Content-Type-Options': 'nosniff',
		},
	});

/** Answers a code with the key. Browsers send `Origin` with every POST, and a page cannot change it. */
async function exchange(request: Request, port: string): Promise<Response> {
	if (request.headers.get('Origin') !== new URL(request.url).origin) return answer(403);
	const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: request.body });
	return response.ok ? answer(200, await response.text()) : answer(401);
}

export default {
	...worker,
	async fetch(request, env, context) {
		const isExchange = request.method === 'POST' && new URL(request.url).pathname === '/inspector/code';
		return isExchange ? exchange(request, env.KEY_FOR_CODE_PORT) : worker.fetch(request, env, context);
	},
} satisfies ExportedHandler<DevBindings>;

/**
 * A page that shows a generation to its user, and the server that gives it a key for that session:
 *
 *   npm run dev -- --var CORS_ORIGINS:http://localhost:3000
 *   npm run example page.ts
 *
 * Then open http://localhost:3000/?session=SESSION_ID, with the id that `npm run example generator.ts` prints.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
// In your project: from 'product-generation-sessions-client'.
import { createClient } from '../src/client/client.ts';
import { local } from './local.ts';

const KEY_SECONDS = 600;

/** The client as one file for the browser. In your project, your bundler does this. */
async function clientBundle(): Promise<string> {
	const { outputFiles } = await build({
		entryPoints: [join(import.meta.dirname, '../src/client/client.ts')],
		bundle: true,
		format: 'esm',
		write: false,
	});
	return outputFiles[0]?.text ?? '';
}

/**
 * Serves a page. The API key stays in this process; the page gets keys that can only read the session which it shows, and append
 * events of the types in `append`.
 */
export async function pageServer(
	service: { baseUrl: string; token: string },
	{ page: file = 'page.html', append }: { page?: string; append?: readonly string[] } = {},
): Promise<Server> {
	const client = createClient(service);
	const page = readFileSync(join(import.meta.dirname, file), 'utf8');
	const script = await clientBundle();
	return createServer(async (request, response) => {
		const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
		const send = (type: string, body: string, status = 200) =>
			response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
		if (pathname === '/') return send('text/html; charset=utf-8', page);
		if (pathname === '/client.js') return send('text/javascript', script);
		if (pathname === '/settings')
			return send('application/json', JSON.stringify({ baseUrl: service.baseUrl }));
		if (pathname === '/keys' && request.method === 'POST') {
			// In your project, check here that the session belongs to the user who asks.
			const id = searchParams.get('session') ?? '';
			const made = await client
				.createKey(id, { append, expiresInSeconds: KEY_SECONDS })
				.catch((error: Error) => ({ error: error.message }));
			return send('application/json', JSON.stringify(made), 'key' in made ? 201 : 404);
		}
		return send('text/plain', 'There is nothing here.', 404);
	});
}

if (import.meta.main) {
	(await pageServer(local())).listen(3000, 'localhost', () => console.log('http://localhost:3000'));
}

import { createExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { app } from '../../src/app.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, type Fetcher, ORIGIN, SESSIONS } from './api.ts';
import { type Stream, streamOf } from './stream.ts';

/** Opens the stream of a session. The Worker itself serves it when there is no fetcher. */
export async function followSession(
	caller: Caller,
	id: string,
	options: {
		after?: string;
		state?: boolean | undefined;
		headers?: Record<string, string>;
		fetcher?: Fetcher;
	} = {},
): Promise<Stream> {
	const query = new URLSearchParams();
	if (options.after !== undefined) query.set('after', options.after);
	if (options.state !== undefined) query.set('state', String(options.state));
	const request = new Request(`${ORIGIN}${SESSIONS}/${id}/events?${query}`, {
		headers: { Authorization: `Bearer ${caller.key}`, Accept: 'text/event-stream', ...options.headers },
	});
	return streamOf(await (options.fetcher ?? ((sent) => exports.default.fetch(sent)))(request));
}

/** Reads a stream up to its first `session` frame, past its opening and the stored events. */
export async function caughtUp(stream: Stream): Promise<Stream> {
	for (;;) {
		const frame = await stream.next();
		if (!frame) throw new Error('The stream ended before it had caught up.');
		if (frame.event === 'session') return stream;
	}
}

/** The service with different bindings and a heartbeat of one second. It does not wait for its streams to end. */
export function liveService(bindings: Partial<Bindings> = {}): Fetcher {
	const other = { ...env, FOLLOW_HEARTBEAT_SECONDS: '1', ...bindings };
	return async (request) => app.fetch(request, other, createExecutionContext());
}

/** Wraps the hubs, and intercepts the requests to them. `sent` counts the requests of each kind. */
export function hubsWith(
	hand: (kind: 'publish' | 'connect', pass: () => Promise<Response>) => Promise<Response>,
): {
	hubs: DurableObjectNamespace;
	sent: { publish: number; connect: number };
} {
	const sent = { publish: 0, connect: 0 };
	const hubs = {
		idFromName: (name: string) => env.HUB.idFromName(name),
		get(id: DurableObjectId) {
			const real = env.HUB.get(id);
			return {
				fetch(address: string, init: RequestInit) {
					const kind = init.method === 'POST' ? 'publish' : 'connect';
					sent[kind] += 1;
					return hand(kind, () => real.fetch(address, init));
				},
			};
		},
	} as unknown as DurableObjectNamespace;
	return { hubs, sent };
}

export const hubOf = (id: string): DurableObjectStub => env.HUB.get(env.HUB.idFromName(id));

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BreakingProxy, breakingProxy } from '../support/broken-server/proxy.ts';
import { type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';

let server: Server;
let edge: BreakingProxy;
beforeAll(async () => {
	server = await startServer();
	// Cloudflare weakens the tag of a JSON response that it compresses:
	// https://developers.cloudflare.com/cache/reference/etag-headers/
	edge = await breakingProxy(server.url, {
		answer: ({ headers }) => {
			const tag = headers.get('ETag');
			if (tag) headers.set('ETag', `W/${tag}`);
		},
	});
});
afterAll(async () => {
	await edge?.close();
	await server?.close();
});

describe('an edge that weakens ETags', () => {
	it('lets a client read, decide and write with the weakened ETag', async () => {
		const headers = { Authorization: `Bearer ${await server.newKey()}`, 'Content-Type': 'application/json' };
		const created = await fetch(edge.url + SESSIONS, { method: 'POST', headers, body: '{}' });
		const { id } = (await created.json()) as { id: string };
		const url = `${edge.url}${SESSIONS}/${id}`;
		const write = (tag: string, status: string) =>
			fetch(url, {
				method: 'PATCH',
				headers: { ...headers, 'If-Match': tag },
				body: JSON.stringify({ status }),
			});

		const read = (await fetch(url, { headers })).headers.get('ETag') ?? '';
		expect(read).toBe('W/"1"');
		const written = await write(read, 'generating');
		expect([written.status, written.headers.get('ETag')]).toEqual([200, 'W/"2"']);
		expect((await write(written.headers.get('ETag') ?? '', 'complete')).status).toBe(200);
		expect((await write(read, 'failed')).status).toBe(412);
	});
});

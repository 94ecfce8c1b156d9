import { expect, it } from 'vitest';
import { withFolder } from '../support/server.ts';
import { freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';

it('keeps Idempotency-Keys, sessions and ETags over a restart', () =>
	withFolder(async (folder) => {
		const key = await prepareFolder(folder);
		let port = await freePort();

		/** Sends all requests. Returns the status and text of each response, and whether it was a replay. */
		const send = async (method: string, path: string, headers: Record<string, string>, body?: string) => {
			const response = await fetch(`http://127.0.0.1:${port}${SESSIONS}${path}`, {
				method,
				headers: { Authorization: key, 'Content-Type': 'application/json', ...headers },
				...(body === undefined ? {} : { body }),
			});
			const { status, headers: answered } = response;
			const text = await response.text();
			return { status, text, tag: answered.get('ETag'), replayed: answered.get('Idempotency-Replayed') };
		};
		const create = () => send('POST', '', { 'Idempotency-Key': 'create' }, '{"prd":{"n":1e400}}');
		const append = (id: string) =>
			send('POST', `/${id}/events`, { 'Idempotency-Key': 'append' }, '{"type":"t","payload":{"b":-0}}');

		let server = await startDev(folder, port);
		try {
			const created = await create();
			const { id } = JSON.parse(created.text) as { id: string };
			const appended = await append(id);
			const details = await send('GET', `/${id}`, {});
			await server.kill();
			// Another test may take the old port while it is free, so use a new one.
			port = await freePort();
			server = await startDev(folder, port);
			expect(await send('GET', `/${id}`, {})).toEqual(details);
			expect(await create()).toEqual({ ...created, replayed: 'true' });
			expect(await append(id)).toEqual({ ...appended, replayed: 'true' });
			expect((await send('GET', `/${id}`, {})).text).toBe(details.text);
			expect((await send('GET', '', {})).text).toContain('"total":1}');
			const conditional = await send(
				'PATCH',
				`/${id}`,
				{ 'If-Match': details.tag ?? '' },
				'{"status":"failed"}',
			);
			expect(conditional.status).toBe(200);
		} finally {
			await server.kill();
		}
	}));

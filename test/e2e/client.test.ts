import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { sessionsClient } from '../../src/client.ts';
import type { Session } from '../../src/sessions/schema.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server.close());

describe('the typed client', () => {
	it('creates, patches, appends, lists, follows and deletes', async () => {
		const sessions = sessionsClient(server.url, await server.newKey());

		const created = await sessions.$post({ json: { prd: { title: 'Support assistant' } } });
		const session = await created.json();
		expectTypeOf(session).toEqualTypeOf<Session>();
		const param = { id: session.id };

		const patched = await sessions[':id'].$patch({ param, json: { status: 'generating' } });
		expect((await patched.json()).status).toBe('generating');

		for (const type of ['plan.started', 'plan.ready'])
			await sessions[':id'].events.$post({ param, json: { type } });

		const listed = await sessions.$get({ query: { status: 'generating' } });
		expect((await listed.json()).data.map(({ id }) => id)).toEqual([session.id]);

		const seen: string[] = [];
		let after: string | undefined;
		for (let more = true; more; ) {
			const page = await sessions[':id'].events.$get({
				param,
				query: { limit: '1', ...(after ? { after } : {}) },
			});
			const { data, hasMore } = await page.json();
			for (const event of data) {
				seen.push(event.type);
				after = event.id;
			}
			more = hasMore;
		}
		expect(seen).toEqual(['plan.started', 'plan.ready']);

		const details = await sessions[':id'].$get({ param, query: {} });
		expect((await details.json()).events).toHaveLength(2);
		expect(await (await sessions[':id'].$delete({ param })).json()).toEqual({ success: true });
	});
});

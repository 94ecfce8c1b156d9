import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { mcpOf } from '../support/mcp.ts';

/** A client with a session of three versions. */
async function withVersions() {
	const caller = await newCaller();
	const mcp = mcpOf(caller);
	const { id } = await caller.create({ prd: { n: 1 } });
	for (const n of [2, 3]) await mcp.content('update_session', { sessionId: id, prd: { n } });
	return { caller, mcp, id };
}

interface Page {
	versions: { version: number; changed: string[]; etag: string }[];
	hasMore: boolean;
	nextBefore?: number;
}

describe('list_versions', () => {
	it('lists what the session was, page by page, and get_session reads it', async () => {
		const { mcp, id } = await withVersions();
		const first = await mcp.content<Page>('list_versions', { sessionId: id, limit: 2 });
		expect(first).toMatchObject({
			versions: [{ version: 3, changed: ['prd'] }, { version: 2 }],
			nextBefore: 2,
		});
		const rest = await mcp.content<Page>('list_versions', { sessionId: id, before: 2 });
		expect(rest).toMatchObject({ versions: [{ version: 1 }], hasMore: false });
		expect(rest).not.toHaveProperty('nextBefore');
		for (const n of [1, 2, 3]) {
			const read = await mcp.content('get_session', { sessionId: id, version: n, fields: ['prd'] });
			expect(read).toMatchObject({ etag: `"${n}"`, session: { prd: { n } } });
			const part = await mcp.content('get_session', { sessionId: id, version: n, pointer: '/prd/n' });
			expect(part).toMatchObject({ value: n });
		}
	});

	it('leads to the versions that are kept when one is not', async () => {
		const { mcp, id } = await withVersions();
		for (const [name, args] of [
			['get_session', { sessionId: id, version: 9 }],
			['fork_session', { sessionId: id, version: 9 }],
		] as const) {
			expect(await mcp.failure(name, args), name).toMatch(/^VERSION_NOT_FOUND.*list_versions/s);
		}
	});
});

describe('fork_session', () => {
	it('begins as the other session was, with what the call replaces, and leaves the other one alone', async () => {
		const { caller, mcp, id } = await withVersions();
		const before = await caller.details(id);
		const { session } = await mcp.content<{ session: { id: string } }>('fork_session', {
			sessionId: id,
			version: 2,
			catalogVersion: 'new',
		});
		expect(session.id).not.toBe(id);
		expect(await caller.details(session.id)).toMatchObject({
			prd: { n: 2 },
			catalogVersion: 'new',
			events: [],
		});
		expect(await caller.details(id)).toEqual(before);
	});

	it('with an idempotencyKey makes one session', async () => {
		const { caller, mcp, id } = await withVersions();
		const fork = () => mcp.content('fork_session', { sessionId: id, idempotencyKey: 'k' });
		expect(await fork()).toEqual(await fork());
		expect((await caller.call<{ data: unknown[] }>('GET', SESSIONS)).json.data).toHaveLength(2);
	});
});

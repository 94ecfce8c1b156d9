import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { countRows, query } from '../support/database.ts';

describe('deleting a session', () => {
	it('succeeds, and deletes the events of the session', async () => {
		const caller = await newCaller();
		const [gone, kept] = [await caller.create(), await caller.create()];
		await caller.append(gone.id);
		const event = await caller.append(kept.id);
		const { status, json } = await caller.call('DELETE', `${SESSIONS}/${gone.id}`);
		expect([status, json]).toEqual([200, { success: true }]);
		expect(await countRows('sessions', 'id = ?', gone.id)).toBe(0);
		expect(await countRows('events', 'session_id = ?', gone.id)).toBe(0);
		expect((await caller.details(kept.id)).events).toEqual([event]);
	});

	it('empties and expires a session with more than 1,000 versions, too', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { secret: 1 } });
		for (const plan of [{ a: 1 }, { a: 2 }])
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan } });
		await query(
			`INSERT INTO versions SELECT session_id, i, bytes, bytes_before, after_event, changed, next_after_event, next_changed, status,
				expires_at, updated_at, product_object_hash, prd, plan, product_object, assembly_state
			FROM versions CROSS JOIN (WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) SELECT i FROM n)
			WHERE session_id = ? AND version = 1`,
			id,
		);
		expect((await caller.call('DELETE', `${SESSIONS}/${id}`)).json).toEqual({ success: true });
		expect((await caller.call('GET', `${SESSIONS}/${id}?version=1`)).status).toBe(404);
		expect(await countRows('sessions', 'id = ? AND prd IS NULL', id)).toBe(1);
		expect(await countRows('versions', 'session_id = ?', id)).toBe(1001);
	});

	it('returns 404 the second time', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		const { status, json } = await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect([status, json.code]).toEqual([404, 'SESSION_NOT_FOUND']);
	});

	it('empties and expires a session with more than 1,000 events, and leaves its rows to the cleanup', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { secret: 1 } });
		await caller.call('PATCH', `${SESSIONS}/${id}`, {
			body: { plan: { a: 1 }, productObject: {}, assemblyState: {} },
		});
		await query(
			`INSERT INTO events (session_id, position, id, type, payload, created_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
			SELECT ?, i, 'evt_' || i, 'note', '{}', '2020-01-01T00:00:00.000Z' FROM n`,
			id,
		);
		expect((await caller.call('DELETE', `${SESSIONS}/${id}`)).json).toEqual({ success: true });
		expect((await caller.call('GET', `${SESSIONS}/${id}`)).status).toBe(404);
		const [row] = await query(
			'SELECT prd, plan, product_object, product_object_hash, assembly_state, expires_at FROM sessions WHERE id = ?',
			id,
		);
		expect(row).toEqual({
			prd: null,
			plan: null,
			product_object: null,
			product_object_hash: null,
			assembly_state: null,
			expires_at: '1970-01-01T00:00:00.000Z',
		});
	});
});

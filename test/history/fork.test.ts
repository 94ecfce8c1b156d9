import { describe, expect, it } from 'vitest';
import { databaseNumberOf } from '../../src/core/session-id.ts';
import type { Session } from '../../src/sessions/schema.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { expire } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { FIVE, from, near, PLACES } from '../support/several-databases.ts';

const fork = (caller: Caller, body: unknown, headers: Record<string, string> = {}) =>
	caller.call<Session & { code: string }>('POST', SESSIONS, { body, headers });
const patch = (caller: Caller, id: string, body: unknown) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body });

/** A session with three versions and an event, and its details at the second version. */
async function source(caller: Caller) {
	const { id } = await caller.create({ prd: { a: 1 }, catalogVersion: 'c', schemaVersion: 's' });
	await patch(caller, id, {
		plan: { 2: 'two', 1: 'one' },
		productObject: { p: 1 },
		assemblyState: { x: 1.0 },
		status: 'generating',
	});
	const second = await caller.details(id);
	await caller.append(id);
	await patch(caller, id, { plan: { later: true }, prd: { later: true }, status: 'failed' });
	return { id, second };
}

const OWN = ['createdAt', 'expiresAt', 'id', 'updatedAt', 'events'];
/** The part of a session that a fork takes over. */
const shared = (session: object) =>
	Object.fromEntries(Object.entries(session).filter(([name]) => !OWN.includes(name)));

describe('a session from another one', () => {
	it('begins as the other one is, with an empty log', async () => {
		const caller = await newCaller();
		const { id } = await source(caller);
		const { status, headers, json } = await fork(caller, { from: { sessionId: id } });
		expect([status, headers.get('ETag')]).toEqual([201, '"1"']);
		expect(json.id).not.toBe(id);
		const now = await caller.details(id);
		expect(shared(json)).toEqual(shared(now));
		expect(await caller.details(json.id)).toEqual({ ...json, events: [] });
		expect(json.createdAt).toBe(json.updatedAt);
		expect(json.createdAt > now.createdAt).toBe(true);
	});

	it('begins as the other one was at a version', async () => {
		const caller = await newCaller();
		const { id, second } = await source(caller);
		const { json } = await fork(caller, { from: { sessionId: id, version: 2 } });
		expect(shared(json)).toEqual(shared(second));
		const text = (path: string) =>
			caller.call('GET', `${SESSIONS}/${path}fields=plan,assemblyState`).then((answer) => answer.text);
		expect(await text(`${json.id}?`)).toBe(await text(`${id}?version=2&`));
	});

	it('has the other members of the body', async () => {
		const caller = await newCaller();
		const { id, second } = await source(caller);
		const { json } = await fork(caller, {
			from: { sessionId: id, version: 2 },
			prd: { other: true },
			schemaVersion: 'new',
			ttlSeconds: 60,
		});
		expect(json).toMatchObject({ prd: { other: true }, schemaVersion: 'new', catalogVersion: 'c' });
		expect(json).toMatchObject({ plan: second.plan, productObjectHash: second.productObjectHash });
		expect(Date.parse(json.expiresAt) - Date.parse(json.createdAt)).toBe(60_000);
	});

	it('goes its own way, with versions of its own', async () => {
		const caller = await newCaller();
		const { id } = await source(caller);
		const before = await caller.details(id);
		const { json } = await fork(caller, { from: { sessionId: id, version: 2 } });
		await patch(caller, json.id, { plan: { mine: true } });
		expect(await caller.details(id)).toEqual(before);
		const { json: versions } = await caller.call<{ data: { version: number }[] }>(
			'GET',
			`${SESSIONS}/${json.id}/versions`,
		);
		expect(versions.data.map(({ version }) => version)).toEqual([2, 1]);
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect((await caller.details(json.id)).plan).toEqual({ mine: true });
	});

	it('is a 404 for a session that the caller does not have, and for a version that is not kept', async () => {
		const [caller, other] = [await newCaller(), await newCaller()];
		const { id } = await source(caller);
		const codeOf = async (who: Caller, sessionId: string, version?: number) => {
			const { status, json } = await fork(who, { from: { sessionId, version } });
			return `${status} ${json.code}`;
		};
		expect(await codeOf(other, id)).toBe('404 SESSION_NOT_FOUND');
		expect(await codeOf(other, id, 2)).toBe('404 SESSION_NOT_FOUND');
		expect(await codeOf(caller, 'sess_01k2vxq8f3e7ttyyds0t6w2h4b')).toBe('404 SESSION_NOT_FOUND');
		expect(await codeOf(caller, id, 4)).toBe('404 VERSION_NOT_FOUND');
		await expire(id);
		expect(await codeOf(caller, id)).toBe('404 SESSION_NOT_FOUND');
		for (const from of [
			{},
			{ sessionId: 'x' },
			{ sessionId: id, version: 0 },
			{ sessionId: id, version: '1' },
			id,
		]) {
			expect((await fork(caller, { from })).status).toBe(400);
		}
	});

	it('counts as one of the caller’s sessions', async () => {
		const fetcher = serviceWith({ MAX_SESSIONS_PER_CALLER: '2' });
		const caller = await newCaller({ fetcher });
		const { id } = await source(caller);
		expect((await fork(caller, { from: { sessionId: id } })).status).toBe(201);
		expect((await fork(caller, { from: { sessionId: id } })).json.code).toBe('QUOTA_EXCEEDED');
	});

	it('is made once with an Idempotency-Key, whatever has become of both sessions', async () => {
		const caller = await newCaller();
		const { id } = await source(caller);
		const key = { 'Idempotency-Key': 'k' };
		const body = { from: { sessionId: id } };
		const first = await fork(caller, body, key);
		await patch(caller, id, { status: 'complete' });
		const again = await fork(caller, body, key);
		expect([again.status, again.text, again.headers.get('Idempotency-Replayed')]).toEqual([
			201,
			first.text,
			'true',
		]);
		await patch(caller, first.json.id, { plan: { changed: true }, status: 'intake', ttlSeconds: 90 });
		expect((await fork(caller, body, key)).text).toBe(first.text);
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect((await fork(caller, body, key)).text).toBe(first.text);
		for (const other of [{}, { from: { sessionId: id, version: 3 } }, { ...body, prd: {} }]) {
			expect((await fork(caller, other, key)).json.code).toBe('IDEMPOTENCY_KEY_REUSED');
		}
	});

	it('is in the database of the other one, wherever the caller is', async () => {
		const caller = await newCaller({ fetcher: near(2) });
		const far = await newCaller({ userId: caller.userId, fetcher: near(4) });
		const { id } = await source(caller);
		expect(databaseNumberOf(id)).toBe(2);
		const headers = { 'Idempotency-Key': 'k' };
		for (const [who, key] of [
			[caller, {}],
			[far, {}],
			[far, headers],
			[caller, headers],
		] as const) {
			const { json } = await fork(who, { from: { sessionId: id, version: 2 } }, key);
			expect([databaseNumberOf(json.id), json.status]).toEqual([2, 'generating']);
		}
		// Also when that database gets no new sessions any more.
		const closed = serviceWith({ ...FIVE, PLACEMENT: 'DB=enam' });
		const later = await newCaller({ userId: caller.userId, fetcher: from(PLACES[0], closed) });
		const { json } = await fork(later, { from: { sessionId: id } });
		expect(databaseNumberOf(json.id)).toBe(2);
	});
});

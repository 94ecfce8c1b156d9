import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyObject } from '../model/arbitraries.ts';
import { type Answer, type Caller, type Fetcher, newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { followSession, hubOf, hubsWith, liveService } from '../support/follow.ts';
import { type HeldState, heldState } from '../support/held-state.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** A follower of the whole state, which has its first snapshot. */
async function holding(
	caller: Caller,
	id: string,
	{ fetcher, earlier }: { fetcher?: Fetcher; earlier?: HeldState } = {},
): Promise<HeldState> {
	const after = earlier?.events.at(-1);
	const stream = await followSession(caller, id, {
		state: true,
		...(after === undefined ? {} : { after }),
		...(fetcher ? { fetcher } : {}),
	});
	const held = heldState(stream, earlier);
	while (held.etag() === undefined) if ((await held.next()) === undefined) throw new Error('no snapshot');
	return held;
}

async function held(options: { fetcher?: Fetcher; create?: object } = {}) {
	const caller = await newCaller(options);
	const { id } = await caller.create(options.create);
	const path = `${SESSIONS}/${id}`;
	const follower = await holding(caller, id, options);
	const patch = (raw: string, headers = MERGE) => caller.call('PATCH', path, { raw, headers });
	const etagOf = (answer: Answer) => answer.headers.get('ETag');
	return { caller, id, path, follower, patch, etagOf };
}

/** A text of JSON for a field, with about so many characters. */
const large = (characters: number, name = 'text') => `{"${name}":"${'x'.repeat(characters)}"}`;

describe('a stream of the state', () => {
	it('sends the stored events, then the session as details do, and no `session` frame', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { title: 'A', 'ü"': [1.5] } });
		await caller.append(id);
		await caller.append(id);
		const follower = await holding(caller, id);
		expect(follower.kinds).toEqual(['event', 'event', 'snapshot']);
		expect(follower.etag()).toBe('"1"');
		const fields = Object.keys(await caller.create()).join();
		expect(follower.text()).toBe((await caller.call('GET', `${SESSIONS}/${id}?fields=${fields}`)).text);
		await follower.leave();
	});

	it('tells a replaced object and its hash, a merge as its patch, a status, a clearing and a life', async () => {
		const { follower, patch, path } = await held({ create: { prd: { title: 'A', draft: true } } });
		const bodies: [string, typeof MERGE, set: string[], merge: string[]][] = [
			['{"productObject":{"b":1,"a":1.0}}', JSON_TYPE, ['productObject', 'productObjectHash'], []],
			['{"prd":{"draft":null,"new":{"x":null,"y":1}}}', MERGE, [], ['prd']],
			['{"plan":{}}', MERGE, [], ['plan']],
			['{"productObject":{"b":null}}', MERGE, ['productObjectHash'], ['productObject']],
			['{"status":"generating","prd":null}', MERGE, ['prd', 'status'], []],
			[
				'{"productObject":{"z":1},"productObjectHash":"own"}',
				MERGE,
				['productObjectHash'],
				['productObject'],
			],
			['{"ttlSeconds":3600}', JSON_TYPE, ['expiresAt'], []],
		];
		for (const [raw, headers, set, merge] of bodies) {
			const answer = await patch(raw, headers);
			expect(answer.status, raw).toBe(200);
			expect(await follower.next(), raw).toBe('change');
			expect(follower.lastChange(), raw).toMatchObject({ set, merge });
			expect(follower.etag()).toBe(answer.headers.get('ETag'));
			expect(follower.text()).toBe(answer.text);
		}
		expect(path).toContain('sess_');
		await follower.leave();
	});

	it('tells nothing of an update that changes nothing', async () => {
		const { follower, patch, etagOf } = await held();
		await patch('{}');
		const answer = await patch('{"status":"failed"}');
		await follower.until(etagOf(answer));
		expect(follower.kinds).toEqual(['snapshot', 'change']);
		await follower.leave();
	});

	it('tells a step after its events, and a replay of it not again', async () => {
		const { caller, path, follower } = await held();
		const body = { events: [{ type: 'a' }, { type: 'b' }], patch: { plan: { steps: [1] } } };
		const step = () => caller.call('POST', `${path}/steps`, { body, headers: { 'Idempotency-Key': 'k' } });
		const { headers } = await step();
		await follower.until(headers.get('ETag'));
		expect((await step()).headers.get('Idempotency-Replayed')).toBe('true');
		await caller.append(path.slice(SESSIONS.length + 1));
		await follower.next();
		expect(follower.kinds).toEqual(['snapshot', 'event', 'event', 'change', 'event']);
		await follower.leave();
	});

	it('has its usual frames without the parameter, and with `false`', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const state of [undefined, false]) {
			const stream = await followSession(caller, id, { state });
			expect((await stream.next())?.event).toBe('session');
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'failed' } });
			expect((await stream.next())?.event).toBe('session');
			await stream.leave();
		}
		const answer = await caller.call('GET', `${SESSIONS}/${id}/events?state=yes`);
		expect(answer).toMatchObject({
			status: 400,
			json: { details: [{ path: 'state', code: 'INVALID_ENUM' }] },
		});
	});

	it('ends as the session does', async () => {
		const { caller, path, follower } = await held();
		await caller.call('DELETE', path);
		expect(await follower.next()).toBe('end');
		expect(await follower.next()).toBeUndefined();
	});

	it('has the session in whole characters, however large it is', async () => {
		const { follower, patch } = await held();
		const text = '😀é'.repeat(60_000);
		const answer = await patch(`{"plan":{"a":"${text}"},"prd":{"b":"x${text}"}}`, JSON_TYPE);
		await follower.until(answer.headers.get('ETag'));
		expect(follower.text()).toBe(answer.text);
		await follower.leave();
	});
});

describe('another snapshot', () => {
	it('replaces a change that is too large for a notice, and is read once for all followers of an isolate', async () => {
		const meter = meteredD1(env.DB);
		const fetcher = liveService({ DB: meter.d1, FOLLOW_HEARTBEAT_SECONDS: '15' });
		const { caller, id, patch, follower } = await held({ fetcher });
		const followers = [follower];
		for (let n = 1; n < 20; n += 1) followers.push(await holding(caller, id, { fetcher }));
		await patch('{"plan":{"small":1}}');
		for (const each of followers) await each.until('"2"');
		meter.reset();
		const answer = await patch(`{"plan":${large(390_000)}}`);
		for (const each of followers) {
			await each.until(answer.headers.get('ETag'));
			expect(each.text()).toBe(answer.text);
			expect(each.kinds).toEqual(['snapshot', 'change', 'snapshot']);
		}
		// One trip of the writer, and one of all followers.
		expect(meter.trips).toBe(2);
		await Promise.all(followers.map(({ leave }) => leave()));
	});

	it('comes when the hub has lost a change, 0.3 s after the next one', async () => {
		let published = 0;
		const { hubs } = hubsWith(async (kind, pass) => {
			if (kind === 'publish') published += 1;
			return kind === 'publish' && published === 2 ? new Response() : pass();
		});
		const { follower, patch } = await held({
			// No heartbeat comes meanwhile.
			fetcher: liveService({ HUB: hubs, FOLLOW_HEARTBEAT_SECONDS: '15' }),
		});
		for (const n of [1, 2, 3]) await patch(`{"plan":{"n${n}":${n}}}`);
		await follower.until('"4"');
		expect(follower.kinds).toEqual(['snapshot', 'change', 'snapshot']);
		expect(JSON.parse(follower.text()).plan).toEqual({ n1: 1, n2: 2, n3: 3 });
		await follower.leave();
	});

	it('comes by the next heartbeat when the hub gets nothing at all', async () => {
		const { hubs } = hubsWith(async (kind, pass) => (kind === 'publish' ? new Response() : pass()));
		const { follower, patch } = await held({ fetcher: liveService({ HUB: hubs }) });
		const answer = await patch('{"plan":{"a":1}}');
		await follower.until('"2"');
		expect(follower.text()).toBe(answer.text);
		await follower.leave();
	});

	it('comes for what a database was changed by without the service', async () => {
		const { follower, id } = await held({ fetcher: liveService() });
		await query(`UPDATE sessions SET version = 9, plan = '{"a":\n1}' WHERE id = ?`, id);
		await follower.until('"9"');
		expect(JSON.parse(follower.text()).plan).toEqual({ a: 1 });
		await follower.leave();
	});

	it('comes in place of a pile of changes when the client reads slowly', async () => {
		const { follower, patch } = await held({ fetcher: liveService() });
		let last: Answer | undefined;
		for (let n = 0; n < 60; n += 1) last = await patch(`{"plan":{"n":${n},"text":"${'y'.repeat(20_000)}"}}`);
		await follower.until(last?.headers.get('ETag') ?? '');
		expect(follower.text()).toBe(last?.text);
		expect(follower.kinds).toContain('snapshot');
		expect(follower.kinds.length).toBeLessThan(30);
		await follower.leave();
	});
});

describe('the cost of live state', () => {
	it('of a small change to a large session is its own size, and no D1 read of any follower', async () => {
		const meter = meteredD1(env.DB);
		const fetcher = liveService({ DB: meter.d1, FOLLOW_HEARTBEAT_SECONDS: '15', HISTORY_BYTES: '0' });
		const { caller, id, patch, follower } = await held({ fetcher });
		await patch(`{"plan":${large(390_000)}}`);
		await follower.until('"2"');
		const followers = [follower];
		for (let n = 1; n < 20; n += 1) followers.push(await holding(caller, id, { fetcher }));
		const before = followers.map(({ characters }) => characters());
		meter.reset();
		for (let n = 0; n < 10; n += 1) await patch(`{"plan":{"n":${n}}}`);
		for (const [at, each] of followers.entries()) {
			await each.until('"12"');
			expect(each.characters() - (before[at] ?? 0)).toBeLessThan(10 * 200);
		}
		expect(meter.trips).toBe(10);
		expect(meter.rowsWritten).toBe(10);
		await Promise.all(followers.map(({ leave }) => leave()));
	});

	it('is a row read for the writer, and nothing for one whom nobody follows', async () => {
		const meter = meteredD1(env.DB);
		const { hubs, sent } = hubsWith((_, pass) => pass());
		const fetcher = liveService({ DB: meter.d1, HUB: hubs, HISTORY_BYTES: '0' });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await caller.append(id);
		meter.reset();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { a: 1 } } });
		const [unfollowed = 0] = meter.readByStatement;
		expect(sent).toEqual({ publish: 0, connect: 0 });
		const stream = await followSession(caller, id);
		await stream.next();
		meter.reset();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { a: 2 } } });
		expect(meter.readByStatement).toEqual([unfollowed + 1]);
		await stream.leave();
	});
});

describe('many writers', () => {
	it('leave every reader with the stored session at each ETag, over cuts and lost hubs', async () => {
		const fetcher = liveService();
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}`;
		const texts = new Map<string | null, string>();
		const remember = (answer: Answer, session = answer.text) =>
			texts.set(answer.headers.get('ETag'), session);
		remember(await caller.call('PATCH', path, { body: { plan: {} } }));
		const objects = fc.sample(anyObject, { numRuns: 8 * 25, seed: 7 }).map(({ text }) => text);
		const fields = ['plan', 'prd', 'assemblyState', 'productObject'];
		/** How many states each reader has seen. The writers go on until all have seen some. */
		const counts = [0, 0, 0, 0];
		let writes = 0;
		let evictions = Promise.resolve();

		async function write(writer: number): Promise<void> {
			for (let n = 0; n < 25 || (n < 1000 && counts.some((count) => count < 20)); n += 1) {
				// Timers wait in workerd while its event loop is busy, and hubs and followers have some.
				await new Promise((resolve) => setTimeout(resolve, 20));
				const object = objects[writer * 25 + n] ?? '{}';
				const field = fields[(writer + n) % 4] ?? 'plan';
				const way = (writer * 7 + n * 3) % 6;
				if (way === 0)
					remember(await caller.call('PATCH', path, { raw: `{"${field}":${object}}`, headers: JSON_TYPE }));
				else if (way === 1)
					remember(
						await caller.call('PATCH', path, {
							raw: `{"${field}":null,"status":"generating"}`,
							headers: MERGE,
						}),
					);
				else if (way === 2) remember(await caller.call('PATCH', path, { body: { ttlSeconds: 3600 + n } }));
				else if (way === 3) {
					const raw = `{"events":[{"type":"a"},{"type":"b"}],"patch":{"${field}":${object}}}`;
					const answer = await caller.call('POST', `${path}/steps`, { raw, headers: JSON_TYPE });
					remember(answer, answer.text.slice(answer.text.indexOf(',"session":') + 11, -1));
				} else remember(await caller.call('PATCH', path, { raw: `{"${field}":${object}}`, headers: MERGE }));
				writes += 1;
				const webSockets = { webSockets: 'close' } as const;
				const how = (writes / 25) % 2 === 0 ? webSockets : {};
				if (writes % 25 === 0) evictions = evictions.then(() => evictDurableObject(hubOf(id), how));
			}
		}

		/** Reads until the writers are done, and is cut again and again. */
		async function read(reader: number): Promise<void> {
			let follower: HeldState | undefined;
			for (;;) {
				follower = await holding(caller, id, { fetcher, ...(follower ? { earlier: follower } : {}) });
				const frames = 5 + ((reader * 13 + (counts[reader] ?? 0)) % 40);
				for (let n = 0; n < frames; n += 1) {
					// The last write. It may reach a reader before its writer knows of it.
					if (follower.status() === 'complete') {
						await follower.leave();
						expect(new Set(follower.events).size).toBe(follower.events.length);
						return;
					}
					seen.push([follower.etag() ?? '', follower.text()]);
					counts[reader] = (counts[reader] ?? 0) + 1;
					if ((await follower.next()) === undefined) break;
				}
				await follower.leave();
			}
		}

		const seen: [etag: string, text: string][] = [];
		const readers = Promise.all([0, 1, 2, 3].map(read));
		await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(write));
		await evictions;
		remember(await caller.call('PATCH', path, { body: { status: 'complete' } }));
		await readers;
		expect(Math.min(...counts)).toBeGreaterThanOrEqual(20);
		for (const [etag, text] of seen) expect(text, etag).toBe(texts.get(etag));
	});
});

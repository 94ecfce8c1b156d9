import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { revokeApiKey } from '../../src/auth/store.ts';
import type { Permission } from '../../src/core/principal.ts';
import { openDatabase } from '../../src/database/database.ts';
import type { Event } from '../../src/events/schema.ts';
import type { SessionKey } from '../../src/session-keys/schema.ts';
import { type Caller, callerWith, newCaller, newKey, ORIGIN, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const pathOf = (id: string) => `${SESSIONS}/${id}`;

const makeKey = (caller: Caller, id: string, body: unknown) =>
	caller.call<SessionKey>('POST', `${pathOf(id)}/keys`, { body });

/** A caller with a session, and a guest with a key for it that may append events of some types. */
async function holder(types: readonly string[], options: Parameters<typeof newCaller>[0] = {}) {
	const caller = await newCaller(options);
	const { id } = await caller.create();
	const { status, json: made, text } = await makeKey(caller, id, { append: types });
	expect(status, text).toBe(201);
	const guest = callerWith(made.key, caller, options.fetcher);
	return { caller, id, path: pathOf(id), made, guest };
}

const append = (by: Caller, id: string, body: unknown, key?: string) =>
	by.call<Event>('POST', `${pathOf(id)}/events`, {
		body,
		headers: key === undefined ? {} : { 'Idempotency-Key': key },
	});

const typesOf = async (caller: Caller, id: string) =>
	(await caller.details(id)).events.map(({ type }) => type);

const forbidden = { status: 403, json: { code: 'FORBIDDEN' } };
const notFound = { status: 404, json: { code: 'SESSION_NOT_FOUND' } };

describe('a key for one session that may append', () => {
	it('appends an event of a type on its list, in the name of its owner, and still reads', async () => {
		const { caller, id, path, guest } = await holder(['input.*'], { organizationId: 'org_1' });
		const body = { type: 'input.approved', message: 'Go on.', payload: { plan: 1 }, stage: 'planning' };
		const { status, json } = await append(guest, id, body);
		expect(status).toBe(201);
		expect(Object.keys(json)).toHaveLength(9);
		expect(json).toMatchObject({ ...body, userId: caller.userId, organizationId: 'org_1', sessionId: id });
		expect((await guest.call('GET', path)).json).toEqual(await caller.details(id));
		expect((await caller.details(id)).events).toEqual([json]);
	});

	it('reaches those who follow the session', async () => {
		const fetcher = liveService();
		const { caller, id, guest } = await holder(['input.approved'], { fetcher });
		const stream = await caughtUp(await followSession(caller, id, { fetcher }));
		const { json: event } = await append(guest, id, { type: 'input.approved' });
		expect(await stream.events(1)).toEqual([event]);
		await stream.leave();
	});

	it('has the response and the form of any key for one session', async () => {
		const { made } = await holder(['a']);
		expect(Object.keys(made)).toEqual(['expiresAt', 'id', 'key']);
		expect(made.key).toMatch(/^rt_test_[0-9a-f]{72}$/);
	});

	it('does nothing else: no list, no other write, no key', async () => {
		const { caller, id, path, made, guest } = await holder(['*']);
		const refused: [method: string, path: string, body?: unknown][] = [
			['GET', SESSIONS],
			['POST', SESSIONS, {}],
			['PATCH', path, { status: 'failed' }],
			['DELETE', path],
			['POST', `${path}/steps`, { events: [{ type: 'a' }] }],
			['POST', `${path}/steps`, { events: [{ type: 'a' }], patch: { status: 'failed' } }],
			['POST', `${path}/keys`, {}],
			['POST', `${path}/keys`, { append: ['a'] }],
			['DELETE', `${path}/keys/${made.id}`],
		];
		for (const [method, to, body] of refused) {
			const answer = await guest.call(method, to, body === undefined ? {} : { body });
			expect(answer, `${method} ${to}`).toMatchObject(forbidden);
		}
		for (const method of ['PUT', 'PATCH', 'DELETE']) {
			const { status, headers } = await guest.call(method, `${path}/events`);
			expect([method, status, headers.get('Allow')]).toEqual([method, 405, 'GET, HEAD, POST']);
		}
		expect(await caller.details(id)).toMatchObject({ status: 'intake', events: [] });
	});

	it('finds no other session, whatever it sends', async () => {
		const { caller, guest } = await holder(['a']);
		const { id: other } = await caller.create();
		const stranger = await newCaller();
		const { id: foreign } = await stranger.create();
		for (const id of [other, foreign, 'sess_x']) {
			for (const type of ['a', 'b']) {
				expect(await append(guest, id, { type }), `${id} ${type}`).toMatchObject(notFound);
				expect(await append(guest, id, { type }, 'key')).toMatchObject(notFound);
			}
		}
		expect(await typesOf(caller, other)).toEqual([]);
	});

	it('is a 404 once its session is deleted', async () => {
		const { caller, id, path, guest } = await holder(['a']);
		await caller.call('DELETE', path);
		expect(await append(guest, id, { type: 'a' })).toMatchObject(notFound);
	});

	it('takes one trip to append when it is cached, and none when the type is refused', async () => {
		const meter = meteredD1(env.DB);
		const { id, guest, path } = await holder(['a'], { fetcher: serviceWith({ DB: meter.d1 }) });
		await guest.call('GET', path);
		meter.reset();
		expect((await append(guest, id, { type: 'a' })).status).toBe(201);
		expect([meter.trips, meter.rowsWritten]).toEqual([1, 1]);
		meter.reset();
		expect((await append(guest, id, { type: 'b' })).status).toBe(403);
		expect(meter.trips).toBe(0);
	});

	it('takes two trips to append when it must be looked up', async () => {
		const meter = meteredD1(env.DB);
		const { id, guest, made } = await holder(['a'], {
			fetcher: serviceWith({ DB: meter.d1, KEY_CACHE_SECONDS: '0' }),
		});
		await query('UPDATE api_keys SET last_used_at = ? WHERE id = ?', new Date().toISOString(), made.id);
		meter.reset();
		expect((await append(guest, id, { type: 'a' })).status).toBe(201);
		expect(meter.trips).toBe(2);
	});

	it('counts an event as a request of the key and of its maker', async () => {
		const counted: string[] = [];
		const limiter = {
			async limit({ key }: { key: string }) {
				counted.push(key);
				return { success: counted.length < 7 };
			},
		} as RateLimit;
		const fetcher = serviceWith({ RATE_LIMITER: limiter, SESSION_KEY_LIMITER: limiter });
		const { caller, id, guest, made } = await holder(['a'], { fetcher });
		counted.length = 0;
		const ofBoth = [`session-key:${made.id}`, `caller:${JSON.stringify([caller.userId, null])}`];
		await append(guest, id, { type: 'a' });
		await append(guest, id, { type: 'b' });
		expect(counted).toEqual([...ofBoth, ...ofBoth]);
		counted.length = 7;
		expect((await append(guest, id, { type: 'a' })).status).toBe(429);
	});

	it('meets the quotas of the session', async () => {
		const fetcher = serviceWith({ MAX_EVENTS_PER_SESSION: '2' });
		const { id, guest } = await holder(['a'], { fetcher });
		const answers = [];
		for (let n = 0; n < 3; n += 1) answers.push(await append(guest, id, { type: 'a' }));
		expect(answers.map(({ status }) => status)).toEqual([201, 201, 403]);
		expect(answers[2]?.json).toMatchObject({ code: 'QUOTA_EXCEEDED' });
	});

	it('is allowed from a page of another origin, with the headers that an append needs', async () => {
		const Origin = 'https://app.example';
		const fetcher = serviceWith({ CORS_ORIGINS: Origin });
		const { id, path, guest } = await holder(['a'], { fetcher });
		const preflight = await fetcher(
			new Request(`${ORIGIN}${path}/events`, {
				method: 'OPTIONS',
				headers: {
					Origin,
					'Access-Control-Request-Method': 'POST',
					'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
				},
			}),
		);
		expect(preflight.status).toBe(204);
		expect(preflight.headers.get('Access-Control-Allow-Methods')).toContain('POST');
		for (const type of ['a', 'b']) {
			const { headers } = await guest.call('POST', `${pathOf(id)}/events`, {
				body: { type },
				headers: { Origin },
			});
			expect(headers.get('Access-Control-Allow-Origin')).toBe(Origin);
		}
	});
});

describe('the types that a key may append', () => {
	/** The types of `sent` that a key with a list may append. */
	async function allowed(types: readonly string[], sent: readonly string[]): Promise<string[]> {
		const { caller, id, guest } = await holder(types);
		const accepted = [];
		for (const type of sent) {
			const answer = await append(guest, id, { type });
			if (answer.status === 201) accepted.push(type);
			else expect(answer, type).toMatchObject(forbidden);
		}
		expect(await typesOf(caller, id)).toEqual(accepted);
		return accepted;
	}

	it('are whole types, which must be the same code by code', async () => {
		const forged = [
			'plan.ready',
			'Input.approved',
			'INPUT.APPROVED',
			'input.approved ',
			' input.approved',
			'input.approved\u00a0',
			'input.approved\u200b',
			'\ufeffinput.approved',
			'input.approve\u0301d',
			'іnput.approved',
			'input．approved',
			'ｉnput.approved',
			'input.approved.',
			'input.approve',
			'input.approved2',
			'input.*',
			'*',
			'input.',
			'input',
			'%',
			'input_approved',
		];
		expect(await allowed(['input.approved', 'input.rejected'], ['input.approved', ...forged])).toEqual([
			'input.approved',
		]);
	});

	it('are compared without Unicode normalization', async () => {
		const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
		expect(await allowed([composed], [composed, decomposed])).toEqual([composed]);
		expect(await allowed([decomposed], [composed, decomposed])).toEqual([decomposed]);
	});

	it('are with `*` at the end all types that begin so', async () => {
		expect(
			await allowed(
				['input.*'],
				[
					'input.approved',
					'input.',
					'input.a.b',
					'input',
					'inputs.a',
					'Input.a',
					' input.a',
					'a.input.b',
					'input\uff0ea',
				],
			),
		).toEqual(['input.approved', 'input.', 'input.a.b']);
		expect(await allowed(['a*'], ['a', 'ab', 'a*', 'b', 'A', '*'])).toEqual(['a', 'ab', 'a*']);
		expect(await allowed(['😀*'], ['😀', '😀x', '😁'])).toEqual(['😀', '😀x']);
	});

	it('are all types with `*` alone', async () => {
		const sent = ['a', 'plan.ready', '*', ' ', 'é', 'x'.repeat(255)];
		expect(await allowed(['*'], sent)).toEqual(sent);
	});

	it('are those of any item of the list, and no pattern of another kind', async () => {
		expect(await allowed(['a', 'b.*', 'a'], ['a', 'b.c', 'c'])).toEqual(['a', 'b.c']);
		expect(
			await allowed(['a.c', 'b?', '[ab]', '.', '__proto__'], ['abc', 'ba', 'a', 'b', 'constructor']),
		).toEqual([]);
		expect(await allowed(['__proto__'], ['__proto__'])).toEqual(['__proto__']);
	});

	it('are named by the 403 for another type', async () => {
		const { id, guest } = await holder(['input.*', 'say "yes"']);
		const { json } = await append(guest, id, { type: 'plan.ready' });
		expect(json).toMatchObject({
			error:
				'This key may not append an event of this type. It may append these types: "input.*", "say \\"yes\\"".',
			code: 'FORBIDDEN',
		});
	});

	it('are named by a 403 of bounded length, however long the list is', async () => {
		const longest = Array.from({ length: 20 }, (_, n) => String.fromCodePoint(0x1f600 + n).repeat(255));
		const { id, guest } = await holder(longest);
		expect((await append(guest, id, { type: longest[19] })).status).toBe(201);
		const { json } = await append(guest, id, { type: 'x' });
		expect((json as unknown as { error: string }).error).toMatch(/^.{800,1000}$/u);
	});

	it('are checked after the body, so that an invalid event is a 400', async () => {
		const { id, guest, path } = await holder(['a']);
		for (const body of [{}, { type: 7 }, { type: '' }, { type: 'b', payload: 1 }, { type: null }, []]) {
			expect((await append(guest, id, body)).status, JSON.stringify(body)).toBe(400);
		}
		const twice = await guest.call('POST', `${path}/events`, {
			raw: '{"type":"a","type":"b"}',
			headers: { 'Content-Type': 'application/json' },
		});
		expect(twice).toMatchObject(forbidden);
	});

	it('are none for a key that was made without a list', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const body of [{}, { expiresInSeconds: 60 }]) {
			const { json } = await makeKey(caller, id, body);
			const guest = callerWith(json.key, caller);
			for (const sent of [{ type: 'a' }, {}]) expect(await append(guest, id, sent)).toMatchObject(forbidden);
		}
		expect(await typesOf(caller, id)).toEqual([]);
	});
});

describe('the list of types in the request', () => {
	const refused: [string, append: unknown, path: string, code: string][] = [
		['null', null, 'append', 'INVALID_TYPE'],
		['a text', 'input.*', 'append', 'INVALID_TYPE'],
		['an object', { 0: 'a' }, 'append', 'INVALID_TYPE'],
		['true', true, 'append', 'INVALID_TYPE'],
		['empty', [], 'append', 'TOO_SHORT'],
		['of 21 types', Array.from({ length: 21 }, (_, n) => `t${n}`), 'append', 'TOO_LONG'],
		['of 21 times the same type', new Array(21).fill('t'), 'append', 'TOO_LONG'],
		['of 10,000 types', new Array(10_000).fill('t'), 'append', 'TOO_LONG'],
		['with null', ['a', null], 'append.1', 'INVALID_TYPE'],
		['with a number', [1], 'append.0', 'INVALID_TYPE'],
		['with a list', [['a']], 'append.0', 'INVALID_TYPE'],
		['with an empty type', ['a', ''], 'append.1', 'TOO_SHORT'],
		['with a type of 256 characters', ['x'.repeat(256)], 'append.0', 'TOO_LONG'],
		['with `*` at the beginning', ['*.approved'], 'append.0', 'INVALID_FORMAT'],
		['with `*` inside', ['input.*.a'], 'append.0', 'INVALID_FORMAT'],
		['with two `*` at the end', ['input.**'], 'append.0', 'INVALID_FORMAT'],
		['with `**`', ['**'], 'append.0', 'INVALID_FORMAT'],
		['with a line break', ['a\nb'], 'append.0', 'INVALID_CHARACTERS'],
		['with a line separator', ['a\u2028'], 'append.0', 'INVALID_CHARACTERS'],
		['with U+0000', ['a\u0000'], 'append.0', 'INVALID_CHARACTERS'],
		['with a lone surrogate', ['\ud800'], 'append.0', 'INVALID_CHARACTERS'],
	];
	it.each(refused)('is a 400 when it is %s', async (_, types, path, code) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await makeKey(caller, id, { append: types });
		expect(status).toBe(400);
		expect(json).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ path, code }] });
		if (code === 'INVALID_FORMAT') {
			expect(json).toHaveProperty('details.0.suggestion', expect.stringContaining('`input.*`'));
		}
		expect(await query('SELECT id FROM api_keys WHERE session_id = ?', id)).toEqual([]);
	});

	it('can have one to 20 types of one to 255 characters, also one twice', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const most = Array.from({ length: 20 }, (_, n) => String.fromCodePoint(0x1f600 + n).repeat(255));
		for (const types of [['a'], ['*'], [`${'x'.repeat(254)}*`], most, ['a', 'b', 'a'], [' ', 'a"b\\']]) {
			const { status, json } = await makeKey(caller, id, { append: types });
			expect(status, types.join()).toBe(201);
			const [row] = await query<{ append_types: string }>(
				'SELECT append_types FROM api_keys WHERE id = ?',
				json.id,
			);
			expect(JSON.parse(row?.append_types ?? '')).toEqual([...new Set(types)]);
		}
	});

	it.each<[status: number, Permission[]]>([
		[403, ['PRODUCTS:READ']],
		[403, ['PRODUCTS:READ', 'PRODUCTS:DELETE']],
		[403, ['PRODUCTS:WRITE']],
		[201, ['PRODUCTS:READ', 'PRODUCTS:WRITE']],
		[201, ['PRODUCTS:*']],
		[201, ['*']],
	])('is a %i for a caller with %j', async (wanted, permissions) => {
		const owner = await newCaller();
		const { id } = await owner.create();
		const { key } = await newKey({ userId: owner.userId, permissions });
		const answer = await makeKey(callerWith(key, owner), id, { append: ['a'] });
		expect(answer.status).toBe(wanted);
		if (wanted === 403) expect(answer.json).toMatchObject({ code: 'FORBIDDEN' });
	});

	it('does not help a stranger', async () => {
		const owner = await newCaller();
		const { id } = await owner.create();
		expect(await makeKey(await newCaller(), id, { append: ['*'] })).toMatchObject(notFound);
	});
});

describe('an Idempotency-Key of a key that may append', () => {
	it('makes a retry safe, also with another key for the session', async () => {
		const { caller, id, guest } = await holder(['a']);
		const { json: renewed } = await makeKey(caller, id, { append: ['a'] });
		const first = await append(guest, id, { type: 'a', payload: { n: 1 } }, 'once');
		for (const by of [guest, callerWith(renewed.key, caller), caller]) {
			const again = await append(by, id, { type: 'a', payload: { n: 1 } }, 'once');
			expect([again.status, again.json]).toEqual([201, first.json]);
			expect(again.headers.get('Idempotency-Replayed')).toBe('true');
		}
		expect(await typesOf(caller, id)).toEqual(['a']);
	});

	it('is a 422 with other content, which tells nothing of the first', async () => {
		const { caller, id, guest } = await holder(['a']);
		await append(caller, id, { type: 'b', message: 'secret' }, 'mine');
		const answer = await append(guest, id, { type: 'a' }, 'mine');
		expect(answer).toMatchObject({ status: 422, json: { code: 'IDEMPOTENCY_KEY_REUSED' } });
		expect(answer.text).not.toMatch(/secret|"b"|evt_/);
	});

	it('of a step is a 422', async () => {
		const { caller, id, guest, path } = await holder(['a']);
		await caller.call('POST', `${path}/steps`, {
			body: { events: [{ type: 'a' }] },
			headers: { 'Idempotency-Key': 'step' },
		});
		expect((await append(guest, id, { type: 'a' }, 'step')).status).toBe(422);
	});

	it('does not replay an event of a type that the key may not append', async () => {
		const { caller, id, guest } = await holder(['a']);
		await append(caller, id, { type: 'b' }, 'mine');
		const used = await append(guest, id, { type: 'b' }, 'mine');
		const unused = await append(guest, id, { type: 'b' }, 'not-used');
		expect(used).toMatchObject(forbidden);
		const sentence = ({ json }: typeof used) => (json as unknown as { error: string }).error;
		expect(sentence(used)).toBe(sentence(unused));
		expect(await typesOf(caller, id)).toEqual(['b']);
	});

	it('of another session replays nothing', async () => {
		const { caller, id, guest } = await holder(['a']);
		const { id: other } = await caller.create();
		const there = await append(caller, other, { type: 'a' }, 'same');
		const { status, json, headers } = await append(guest, id, { type: 'a' }, 'same');
		expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		expect(json.id).not.toBe(there.json.id);
	});
});

describe('the end of a key that may append', () => {
	const uncached = serviceWith({ KEY_CACHE_SECONDS: '0' });

	it('comes when it is revoked: what it appended stays, and it appends nothing more', async () => {
		const { caller, id, path, made, guest } = await holder(['a'], { fetcher: uncached });
		await append(guest, id, { type: 'a' }, 'first');
		await caller.call('DELETE', `${path}/keys/${made.id}`);
		for (const key of ['first', 'second'])
			expect((await append(guest, id, { type: 'a' }, key)).status).toBe(401);
		expect(await typesOf(caller, id)).toEqual(['a']);
	});

	it('comes when its maker is revoked, or expires', async () => {
		for (const end of [
			(maker: string) => revokeApiKey(openDatabase(env.DB), maker, new Date().toISOString()),
			(maker: string) => query("UPDATE api_keys SET expires_at = '2020' WHERE id = ?", maker),
		]) {
			const { caller, id, guest } = await holder(['a'], { fetcher: uncached });
			expect((await append(guest, id, { type: 'a' })).status).toBe(201);
			const [maker] = await query<{ id: string }>(
				'SELECT id FROM api_keys WHERE user_id = ? AND session_id IS NULL',
				caller.userId,
			);
			await end(maker?.id ?? '');
			expect((await append(guest, id, { type: 'a' })).status).toBe(401);
		}
	});
});

it('the list of a key that is not for one session gives it nothing', async () => {
	const { key, row } = await newKey({ permissions: ['PRODUCTS:READ'] });
	const owner = await newCaller({ userId: row.user_id });
	const { id } = await owner.create();
	await query(`UPDATE api_keys SET append_types = '["a"]' WHERE id = ?`, row.id);
	expect(await append(callerWith(key, owner), id, { type: 'a' })).toMatchObject(forbidden);
});

it('the database refuses a list without a type, of 21 types, or of another form', async () => {
	const { row } = await newKey();
	const store = (list: string) => query('UPDATE api_keys SET append_types = ? WHERE id = ?', list, row.id);
	for (const list of ['[]', JSON.stringify(new Array(21).fill('a')), '"a"']) {
		await expect(store(list), list).rejects.toThrow(/append_types_count/);
	}
	await expect(store('a')).rejects.toThrow(/malformed JSON/);
	await store('["a"]');
});

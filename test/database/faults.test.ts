import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { outageOf } from '../../src/database/faults.ts';
import { type Caller, type CallOptions, newCaller, SESSIONS } from '../support/api.ts';
import { countRows } from '../support/database.ts';
import { type FaultyD1, faultyD1, serviceWith } from '../support/faulty-d1.ts';

const TRANSIENT = [
	'D1_ERROR: Network connection lost.',
	'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
	'D1_ERROR: D1 DB reset because its code was updated.',
	'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
	'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
	"D1_ERROR: Can't read from request stream because client disconnected.",
	'D1_ERROR: Replica disconnected from primary.',
	'D1_ERROR: internal error; reference = 0123456789abcdef',
	'D1_ERROR: internal error',
];
const OVERLOADED = [
	'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
	'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
	'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
	'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.',
	"D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
];
const lost = (when: 'before' | 'after') => ({ message: TRANSIENT[0] ?? '', when });

let faulty: FaultyD1;
let caller: Caller;
beforeEach(async () => {
	faulty = faultyD1();
	caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
	await caller.call('GET', SESSIONS); // This caches the key: from now on each call is one round trip.
	faulty.trips = 0;
});

const unavailable = { code: 'DATABASE_UNAVAILABLE' };

describe('a read', () => {
	it.each(TRANSIENT)('is retried after %j', async (message) => {
		const { id } = await caller.create();
		faulty.trips = 0;
		faulty.next = [{ message, when: 'before' }];
		expect((await caller.details(id)).id).toBe(id);
		expect(faulty.trips).toBe(2);
	});

	it('is sent at most twice, because D1 retries it as well, and then returns 503 with Retry-After', async () => {
		const { id } = await caller.create();
		faulty.trips = 0;
		faulty.next = [lost('before'), lost('before')];
		const { status, json, headers } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect([status, json]).toMatchObject([503, unavailable]);
		expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
		expect(faulty.trips).toBe(2);
	});

	it.each(OVERLOADED)('is not retried after %j', async (message) => {
		const { id } = await caller.create();
		faulty.trips = 0;
		faulty.next = [{ message, when: 'before' }];
		const { status, json } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect([status, json, faulty.trips]).toMatchObject([503, unavailable, 1]);
	});
});

describe('a create', () => {
	it.each(['before', 'after'] as const)(
		'creates one session when the connection is lost %s the write',
		async (when) => {
			faulty.next = [lost(when)];
			const session = await caller.create({ prd: { a: 1 } });
			expect(await caller.details(session.id)).toEqual({ ...session, events: [] });
			expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
		},
	);

	it.each(['before', 'after'] as const)(
		'with an Idempotency-Key is not marked as a replay when the connection is lost %s the write',
		async (when) => {
			faulty.next = [lost(when)];
			const { status, headers } = await caller.call('POST', SESSIONS, {
				headers: { 'Idempotency-Key': 'k' },
			});
			expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, null]);
			expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
		},
	);

	it('is sent at most three times', async () => {
		faulty.next = [lost('before'), lost('before'), lost('before')];
		const { status, json } = await caller.call('POST', SESSIONS);
		expect([status, json, faulty.trips]).toMatchObject([503, unavailable, 3]);
	});

	it('creates one session when the client sends it again with its key after a 503', async () => {
		const send = () => caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': 'k' } });
		faulty.next = [lost('after'), lost('before'), lost('before')];
		expect((await send()).status).toBe(503);
		const again = await send();
		expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
		expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
	});
});

describe('an append', () => {
	it.each(['before', 'after'] as const)(
		'without a key returns 503 and takes effect at most once when the connection is lost %s the write',
		async (when) => {
			const { id } = await caller.create();
			faulty.next = [lost(when)];
			const { status, json } = await caller.call('POST', `${SESSIONS}/${id}/events`, {
				body: { type: 'note' },
			});
			expect([status, json]).toMatchObject([503, unavailable]);
			expect(await countRows('events', 'session_id = ?', id)).toBe(when === 'after' ? 1 : 0);
		},
	);

	it.each(['before', 'after'] as const)(
		'with a key appends one event when the connection is lost %s the write',
		async (when) => {
			const { id } = await caller.create();
			faulty.next = [lost(when), lost(when)];
			const { status, headers } = await caller.call('POST', `${SESSIONS}/${id}/events`, {
				body: { type: 'note' },
				headers: { 'Idempotency-Key': 'k' },
			});
			expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, null]);
			expect(await countRows('events', 'session_id = ?', id)).toBe(1);
		},
	);
});

describe('a client that retries after a lost response', () => {
	/** Sends a request twice. The client never sees the first response; the second one arrives. */
	const twice = async (method: string, path: string, options: CallOptions) => {
		await caller.call(method, path, options);
		return caller.call(method, path, options);
	};
	const keyed = (body: unknown) => ({ body, headers: { 'Idempotency-Key': 'k' } });

	it('creates one session with one Idempotency-Key', async () => {
		const { status, json } = await twice('POST', SESSIONS, keyed({ prd: { a: 1 } }));
		expect([status, json]).toMatchObject([201, { prd: { a: 1 } }]);
		expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
	});

	it.each([
		['all three tries failed after the write', [lost('after'), lost('after'), lost('after')]],
		['D1 was overloaded after the write', [{ message: OVERLOADED[0] ?? '', when: 'after' as const }]],
	])('appends one event with one Idempotency-Key when %s', async (_, faults) => {
		const { id } = await caller.create();
		faulty.next = faults;
		const { status, json, headers } = await twice(
			'POST',
			`${SESSIONS}/${id}/events`,
			keyed({ type: 'note' }),
		);
		expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
		expect((await caller.details(id)).events).toEqual([json]);
	});

	it('gets 412 for a conditional PATCH that took effect, and the change is made once', async () => {
		const { id } = await caller.create();
		faulty.next = [lost('after')];
		const { status, headers } = await twice('PATCH', `${SESSIONS}/${id}`, {
			body: { plan: { a: 1 } },
			headers: { 'If-Match': '"1"' },
		});
		expect([status, headers.get('ETag')]).toEqual([412, '"2"']);
		expect((await caller.details(id)).plan).toEqual({ a: 1 });
	});

	it('gets the same session from a merge that runs twice', async () => {
		const { id } = await caller.create();
		faulty.next = [lost('after')];
		const { status, json } = await twice('PATCH', `${SESSIONS}/${id}`, {
			body: { plan: { a: { b: 1, c: null } } },
			headers: { 'Content-Type': 'application/merge-patch+json' },
		});
		expect([status, json.plan]).toEqual([200, { a: { b: 1 } }]);
	});
});

describe.each([
	['a replacing PATCH', {}],
	['a merge', { 'Content-Type': 'application/merge-patch+json' }],
	['a conditional PATCH', { 'If-Match': '"1"' }],
])('%s', (_, headers: Record<string, string>) => {
	it.each(['before', 'after'] as const)(
		'returns 503 and takes effect at most once when the connection is lost %s the write',
		async (when) => {
			const { id } = await caller.create();
			faulty.trips = 0;
			faulty.next = [lost(when)];
			const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
				body: { plan: { a: 1 } },
				headers,
			});
			expect([status, json, faulty.trips]).toMatchObject([503, unavailable, 1]);
			const details = await caller.call('GET', `${SESSIONS}/${id}`);
			expect(details.headers.get('ETag')).toBe(when === 'after' ? '"2"' : '"1"');
			expect(details.json.plan).toEqual(when === 'after' ? { a: 1 } : null);
		},
	);
});

describe('a delete', () => {
	it.each(['before', 'after'] as const)(
		'returns 503 when the connection is lost %s the write, whether or not it took effect',
		async (when) => {
			const { id } = await caller.create();
			faulty.next = [lost(when)];
			const { status, json } = await caller.call('DELETE', `${SESSIONS}/${id}`);
			expect([status, json]).toMatchObject([503, unavailable]);
			expect((await caller.call('GET', `${SESSIONS}/${id}`)).status).toBe(when === 'after' ? 404 : 200);
		},
	);
});

/** The messages with which D1 reports a limit, and the advice in the log. */
const LIMITS: [message: string, operatorAction: RegExp][] = [
	[
		"D1_ERROR: Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.",
		/Upgrade .*00:00 UTC/,
	],
	[
		"D1_ERROR: Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.",
		/Upgrade .*00:00 UTC/,
	],
	['D1_ERROR: Exceeded maximum DB size.', /Delete data, shorten SESSION_TTL_SECONDS/],
	[
		"D1_ERROR: Your account has exceeded D1's maximum account storage limit, please contact Cloudflare to raise your limit.",
		/Delete data, shorten SESSION_TTL_SECONDS/,
	],
	['D1_ERROR: database or disk is full: SQLITE_FULL', /Delete data, shorten SESSION_TTL_SECONDS/],
	['Too many API requests by single Worker invocation.', /CLEANUP_MAX_STATEMENTS/],
];

describe('a limit of the plan', () => {
	afterEach(() => vi.restoreAllMocks());

	it.each(LIMITS)(
		'returns 503 with Retry-After, and logs what the operator can do: %s',
		async (message, action) => {
			const error = vi.spyOn(console, 'error').mockImplementation(() => {});
			faulty.next = [{ message, when: 'before' }];
			const { status, json, headers } = await caller.call('POST', SESSIONS);
			expect([status, json, faulty.trips]).toMatchObject([503, unavailable, 1]);
			expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
			const lines = error.mock.calls.map(([line]) => String(line));
			expect(lines).toEqual([expect.stringMatching(action)]);
			expect(lines[0]).toContain(message);
		},
	);

	it('for the size does not affect reads and deletes', async () => {
		const { id } = await caller.create();
		faulty.next = [{ message: 'D1_ERROR: Exceeded maximum DB size.', when: 'before' }];
		const append = await caller.call('POST', `${SESSIONS}/${id}/events`, { body: { type: 'note' } });
		expect([append.status, append.json]).toMatchObject([503, unavailable]);
		expect((await caller.details(id)).events).toEqual([]);
		expect((await caller.call('DELETE', `${SESSIONS}/${id}`)).status).toBe(200);
	});

	it.each([
		['2026-11-25T00:00:00.000Z', 86_400],
		['2026-11-25T12:00:00.000Z', 43_200],
		['2026-11-25T23:59:58.500Z', 2],
		['2026-11-25T23:59:59.999Z', 1],
	])('for a day ends at 00:00 UTC: at %s in %d seconds', (time, seconds) => {
		expect(outageOf('daily limit', Date.parse(time))?.retryAfterSeconds).toBe(seconds);
	});
});

describe('any failure', () => {
	it('does not reveal SQL, a stack or D1’s message', async () => {
		const { id } = await caller.create();
		faulty.next = [
			{ message: 'D1_ERROR: near "SELEC": syntax error in SELEC id at sessions.ts:1', when: 'before' },
		];
		const { status, json, text } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect([status, json.code]).toEqual([500, 'INTERNAL_ERROR']);
		expect(text).not.toMatch(/D1|syntax|SELEC|\.ts/);
	});

	it.each([
		'D1_ERROR: no such table: sessions: SQLITE_ERROR',
		'D1_ERROR: no such column: secret_column at offset 7: SQLITE_ERROR',
		'D1_ERROR: table sessions has no column named secret_column: SQLITE_ERROR',
	])('of a database without the migrations returns 503 and says how to apply them: %s', async (message) => {
		const { id } = await caller.create();
		faulty.next = [{ message, when: 'before' }];
		const { status, json, text } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect([status, json.code]).toEqual([503, 'DATABASE_UNAVAILABLE']);
		expect(json.error).toContain('npm run deploy');
		expect(text).not.toMatch(/D1_ERROR|no such|column named|secret/);
	});

	it('to look up a key returns 503, not 401', async () => {
		const stranger = await newCaller({ fetcher: serviceWith({ DB: faulty.d1, KEY_CACHE_SECONDS: '0' }) });
		faulty.next = [lost('before'), lost('before')];
		const { status, json } = await stranger.call('GET', SESSIONS);
		expect([status, json]).toMatchObject([503, unavailable]);
	});
});

describe('a merge that exceeds SQLite’s limit for one value', () => {
	it.each(['plan', 'prd'])('returns 413 and names %s', async (field) => {
		const { id } = await caller.create();
		faulty.next = [{ message: 'D1_ERROR: string or blob too big: SQLITE_TOOBIG', when: 'before' }];
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			body: { [field]: { a: 1 } },
			headers: { 'Content-Type': 'application/merge-patch+json' },
		});
		expect([status, json.code, json.error]).toEqual([
			413,
			'PAYLOAD_TOO_LARGE',
			expect.stringContaining(field),
		]);
	});
});

describe('a failure outside a query', () => {
	it('of the rate limiter does not stop a request', async () => {
		const limiter = { limit: () => Promise.reject(new Error('no limiter')) };
		const other = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		expect(await other.details((await other.create()).id)).toMatchObject({ events: [] });
	});

	it('to read the bookmark does not fail a write that succeeded', async () => {
		const withoutBookmarks = {
			withSession: (from?: string) => {
				const session = env.DB.withSession(from);
				return {
					prepare: (sql: string) => session.prepare(sql),
					batch: (statements: D1PreparedStatement[]) => session.batch(statements),
					getBookmark: () => {
						throw new Error('no bookmark');
					},
				};
			},
		} as unknown as D1Database;
		const other = await newCaller({ fetcher: serviceWith({ DB: withoutBookmarks }) });
		const { status, headers } = await other.call('POST', SESSIONS);
		expect([status, headers.get('X-D1-Bookmark')]).toEqual([201, null]);
	});
});

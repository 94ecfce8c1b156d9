import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newApiKey } from '../../src/auth/api-key-format.ts';
import { networksOf } from '../../src/auth/networks.ts';
import { revokeApiKey } from '../../src/auth/store.ts';
import { callerKey } from '../../src/core/principal.ts';
import { openDatabase } from '../../src/database/database.ts';
import { callerWith, type Fetcher, newCaller, newKey, ORIGIN, SESSIONS } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

/** A limiter that allows a number of requests for each key, and records the keys that it counted. */
function limiterOf(limit: number) {
	const counted: string[] = [];
	const limiter: RateLimit = {
		limit: async ({ key }) => {
			counted.push(key);
			return { success: counted.filter((each) => each === key).length <= limit };
		},
	};
	return { counted, limiter };
}

const nobody = { userId: '', organizationId: null };

// Each test has an address of its own, because an isolate remembers which networks it has blocked.
let address: string;
let addresses = 0;
beforeEach(() => {
	addresses += 1;
	address = `192.0.2.${addresses}`;
});

/** Sends a list request from the test's address, with any text as its credentials. */
async function listWith(
	fetcher: Fetcher,
	key: string,
	more: Record<string, string> = {},
): Promise<{ status: number; headers: Headers }> {
	const headers = { 'CF-Connecting-IP': address, ...more };
	return callerWith(key, nobody, fetcher).call('GET', SESSIONS, { headers });
}
const statusOf = async (fetcher: Fetcher, key: string) => (await listWith(fetcher, key)).status;
/** Records for how long requests want to wait, in milliseconds, and ends each wait at once. */
function watchWaits(): () => number[] {
	const waits: number[] = [];
	const real = globalThis.setTimeout;
	const recording = (work: () => void, wait = 0) => {
		// Timers of the tests' own environment are longer.
		if (wait > 5_000) return real(work, wait);
		waits.push(wait);
		return real(work, 0);
	};
	vi.spyOn(globalThis, 'setTimeout').mockImplementation(recording as typeof setTimeout);
	return () => waits;
}
/** A key that nobody issued: anybody can compute its checksum. */
const forgedKey = async () => (await newApiKey('live')).key;

describe('the rate limit of a caller', () => {
	it('returns 429 with Retry-After over the limit', async () => {
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiterOf(2).limiter }) });
		for (const wanted of [200, 200, 429, 429]) {
			const { status, json, headers } = await caller.call('GET', SESSIONS);
			expect(status).toBe(wanted);
			if (wanted === 200) continue;
			expect(json).toEqual({
				error: 'Too many requests. Try again later.',
				code: 'RATE_LIMITED',
				requestId: headers.get('X-Request-Id'),
			});
			expect(headers.get('Retry-After')).toBe('60');
			expect(headers.get('WWW-Authenticate')).toBeNull();
		}
	});

	it('counts calls on every path, and rejects them without a query to the database', async () => {
		const faulty = faultyD1();
		const RATE_LIMITER = limiterOf(1).limiter;
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1, RATE_LIMITER }) });
		expect((await caller.call('GET', SESSIONS)).status).toBe(200);
		faulty.trips = 0;
		const calls = [
			['POST', '', {}],
			['GET', '/sess_01k2vxq8f3e7ttyyds0t6w2h4b', undefined],
			['PATCH', '/sess_01k2vxq8f3e7ttyyds0t6w2h4b', { plan: {} }],
			['DELETE', '/sess_01k2vxq8f3e7ttyyds0t6w2h4b', undefined],
			['POST', '/sess_01k2vxq8f3e7ttyyds0t6w2h4b/events', { type: 'note' }],
			['PUT', '/nowhere/at/all', undefined],
		] as const;
		for (const [method, path, body] of calls) {
			expect([path, (await caller.call(method, SESSIONS + path, { body })).status]).toEqual([path, 429]);
		}
		expect(faulty.trips).toBe(0);
	});

	it('is shared by all keys of one caller, and not by other callers', async () => {
		const fetcher = serviceWith({ RATE_LIMITER: limiterOf(1).limiter });
		const caller = await newCaller({ organizationId: 'org_1', fetcher });
		const owner = { userId: caller.userId, organizationId: 'org_1' };
		expect((await caller.call('GET', SESSIONS)).status).toBe(200);
		const status = async (request: Parameters<typeof newKey>[0]) =>
			statusOf(fetcher, (await newKey(request)).key);
		expect(await status(owner)).toBe(429);
		expect(await status({ ...owner, organizationId: null })).toBe(200);
		expect(await status({ ...owner, organizationId: 'org_2' })).toBe(200);
		expect(await status({ organizationId: 'org_1' })).toBe(200);
	});

	it('is not shared by owners whose user and organization ids are equal when concatenated', () => {
		const owners = [
			{ userId: 'a:b', organizationId: null },
			{ userId: 'a', organizationId: 'b:' },
			{ userId: 'a', organizationId: 'b' },
			{ userId: 'a:b', organizationId: '' },
			{ userId: 'a', organizationId: null },
			{ userId: 'a', organizationId: 'null' },
			{ userId: 'a","b', organizationId: null },
		];
		const keys = owners.map(callerKey);
		expect(new Set(keys).size).toBe(owners.length);
	});
});

describe('the rate limit of failed attempts', () => {
	const failures: [string, string | undefined][] = [
		['without credentials', undefined],
		['with Basic credentials', 'Basic eDp5'],
		['with a typo in a key', `rt_live_${'0'.repeat(72)}`],
		['with a bad token', 'Bearer a.b.c'],
	];

	it.each(failures)('counts an attempt %s once, and rejects it over the limit', async (_, authorization) => {
		const failed = limiterOf(2);
		const guessed = limiterOf(0);
		const fetcher = serviceWith({ RATE_LIMITER: failed.limiter, GUESS_LIMITER: guessed.limiter });
		const headers = {
			'CF-Connecting-IP': address,
			...(authorization ? { Authorization: authorization } : {}),
		};
		for (const wanted of [401, 401, 429]) {
			const response = await fetcher(new Request(ORIGIN + SESSIONS, { headers }));
			expect(response.status).toBe(wanted);
			expect(response.headers.get('Retry-After')).toBe(wanted === 429 ? '60' : null);
		}
		expect(failed.counted).toEqual(Array.from({ length: 3 }, () => `failure:${address}`));
		expect(guessed.counted).toEqual([]);
	});

	it('is counted for each IPv4 address, and for each /64 and each /48 of IPv6', async () => {
		const counted: string[] = [];
		const RATE_LIMITER: RateLimit = {
			limit: async ({ key }) => {
				counted.push(key);
				return { success: true };
			},
		};
		address = '2001:db8:5:1::7';
		await listWith(serviceWith({ RATE_LIMITER }), 'x');
		expect(counted).toEqual(['failure:2001:db8:5:1::/64', 'failure:2001:db8:5::/48']);
	});
});

describe('the networks of an address', () => {
	it('are an IPv4 address itself', () => {
		expect(networksOf('192.0.2.7', undefined)).toEqual(['192.0.2.7']);
	});

	it('are the /64 and the /48 of an IPv6 address, however it is written', () => {
		const same = [
			'2001:db8:0:1::1',
			'2001:DB8::1:1:2:3:4',
			'2001:0db8:0000:0001:ffff:0:0:1',
			'2001:db8:0:1::',
		];
		for (const each of same) {
			expect(networksOf(each, undefined)).toEqual(['2001:db8:0:1::/64', '2001:db8:0::/48']);
		}
		const others = ['2001:db8:0:2::1', '2001:db8::1', '::1', 'fe80::1', '2001:db8:1:1::1'];
		expect(new Set([...same, ...others].map((each) => networksOf(each, undefined)[0])).size).toBe(6);
	});

	it('are the zone of the Worker for the address that the Workers of all other zones share', () => {
		for (const each of ['2a06:98c0:3600::103', '2A06:98C0:3600:0000::0103']) {
			expect(networksOf(each, 'one.example')).toEqual(['zone one.example']);
			expect(networksOf(each, 'two.example')).toEqual(['zone two.example']);
			expect(networksOf(each, undefined)).toEqual(['zone ']);
		}
	});

	it('do not depend on CF-Worker for any other address', () => {
		for (const each of ['192.0.2.7', '2001:db8::1', '2a06:98c0:3600::104', '']) {
			expect(networksOf(each, 'one.example')).toEqual(networksOf(each, undefined));
		}
	});
});

describe('the rate limit of rejected keys', () => {
	afterEach(() => vi.restoreAllMocks());

	/** The service with a small limit for rejected keys, and none for callers. */
	function guardedService(limit: number, vars: { KEY_CACHE_SECONDS?: string } = {}) {
		const faulty = faultyD1();
		const { counted, limiter } = limiterOf(limit);
		// Each trip is little work, so no caller rests: how long D1 takes depends on the machine.
		const DB = wrappedD1(faulty.d1, async (_, work) =>
			(await work()).map((result) => ({ ...result, meta: { ...result.meta, duration: 0 } })),
		);
		return { faulty, counted, fetcher: serviceWith({ DB, GUESS_LIMITER: limiter, ...vars }) };
	}

	it.each(['60', '0'])(
		'returns 401 for a bad key up to the limit, and then 429 with Retry-After, when keys are cached for %s s',
		async (KEY_CACHE_SECONDS) => {
			const { faulty, fetcher } = guardedService(3, { KEY_CACHE_SECONDS });
			const key = await forgedKey();
			for (const wanted of [401, 401, 401, 429, 429]) {
				const { status, headers } = await listWith(fetcher, key);
				expect([status, headers.get('Retry-After')]).toEqual([wanted, wanted === 429 ? '60' : null]);
			}
			expect(faulty.trips).toBe(1);
		},
	);

	it('still accepts a good key that this isolate has not seen, from a network that has guessed too often', async () => {
		const { fetcher } = guardedService(3);
		for (const wanted of [401, 401, 401, 429, 429, 429]) {
			expect(await statusOf(fetcher, await forgedKey())).toBe(wanted);
		}
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
	});

	it('looks up the unknown keys of such a network one after another, a tenth of a second apart', async () => {
		const { fetcher } = guardedService(0);
		await statusOf(fetcher, await forgedKey());
		// The first look-up after that one takes place at once.
		const now = Date.now();
		vi.spyOn(Date, 'now').mockImplementation(() => now);
		const waits = watchWaits();
		const keys = await Promise.all(Array.from({ length: 5 }, async () => (await newKey()).key));
		const statuses = await Promise.all(keys.map((key) => statusOf(fetcher, key)));
		expect(statuses).toEqual(keys.map(() => 200));
		// The clock stands still, so a trip may also have to rest from the one before it, for some milliseconds.
		const apart = waits().filter((wait) => wait >= 100);
		expect(apart.toSorted((a, b) => a - b)).toEqual([100, 200, 300, 400]);
	});

	it('lets 50 requests of such a network wait at most, and tells the others to try again in five seconds', async () => {
		const { faulty, fetcher } = guardedService(0);
		const now = Date.now();
		vi.spyOn(Date, 'now').mockImplementation(() => now);
		await statusOf(fetcher, await forgedKey());
		watchWaits();
		faulty.trips = 0;
		const keys = await Promise.all(Array.from({ length: 80 }, forgedKey));
		const answers = await Promise.all(keys.map((key) => listWith(fetcher, key)));
		expect(faulty.trips).toBe(50);
		expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 429));
		const told = answers.map(({ headers }) => headers.get('Retry-After'));
		expect(told.filter((seconds) => seconds === '5')).toHaveLength(30);
		// The others were looked up and rejected.
		expect(told.filter((seconds) => seconds === '60')).toHaveLength(50);
	});

	it('does not slow down other networks', async () => {
		const { fetcher } = guardedService(0);
		const now = Date.now();
		vi.spyOn(Date, 'now').mockImplementation(() => now);
		const waits = watchWaits();
		await Promise.all(Array.from({ length: 30 }, async () => statusOf(fetcher, await forgedKey())));
		address = '198.51.100.1';
		const before = waits().length;
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
		expect(waits().length).toBe(before);
	});

	it('stops slowing a network down a minute after its last guess over the limit', async () => {
		const { fetcher } = guardedService(0);
		expect(await statusOf(fetcher, await forgedKey())).toBe(429);
		const later = Date.now() + 60_000;
		vi.spyOn(Date, 'now').mockImplementation(() => later);
		const waits = watchWaits();
		const keys = await Promise.all(Array.from({ length: 30 }, async () => (await newKey()).key));
		const statuses = await Promise.all(keys.map((key) => statusOf(fetcher, key)));
		expect(statuses).toEqual(keys.map(() => 200));
		expect(waits()).toEqual([]);
	});

	it('is met by guesses that each come from another /64 of one /48', async () => {
		const { fetcher } = guardedService(60);
		const statuses = [];
		for (let guesses = 0; guesses < 70; guesses += 1) {
			address = `2001:db8:77:${guesses.toString(16)}::1`;
			statuses.push(await statusOf(fetcher, await forgedKey()));
		}
		expect(statuses.slice(0, 60)).toEqual(Array(60).fill(401));
		expect(statuses.slice(60)).toEqual(Array(10).fill(429));
		address = '2001:db8:77:ffff::1';
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
	});

	it('of one /64 does not use up that of its neighbours in the same /48', async () => {
		const { counted, fetcher } = guardedService(3);
		address = '2001:db8:78:1::1';
		for (let guesses = 0; guesses < 9; guesses += 1) await statusOf(fetcher, await forgedKey());
		expect(counted.filter((key) => key === 'rejected-key:2001:db8:78::/48')).toHaveLength(3);
		address = '2001:db8:78:2::1';
		const waits = watchWaits();
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
		expect(waits()).toEqual([]);
	});

	it('is counted for each zone whose Workers send requests from the address that all zones share', async () => {
		const { counted, fetcher } = guardedService(3);
		address = '2a06:98c0:3600::103';
		const guess = async (zone: string) =>
			(await listWith(fetcher, await forgedKey(), { 'CF-Worker': zone })).status;
		for (const wanted of [401, 401, 401, 429]) expect(await guess('guesser.example')).toBe(wanted);
		expect(await guess('other.example')).toBe(401);
		expect(counted.at(-1)).toBe('rejected-key:zone other.example');
	});

	it('cannot be evaded with a CF-Worker header from an address outside Cloudflare', async () => {
		const { counted, fetcher } = guardedService(3);
		for (let guesses = 0; guesses < 4; guesses += 1) {
			await listWith(fetcher, await forgedKey(), { 'CF-Worker': `zone-${guesses}.example` });
		}
		expect(new Set(counted)).toEqual(new Set([`rejected-key:${address}`]));
	});

	it.each(['60', '0'])(
		'never rejects a key that this isolate has accepted, when keys are cached for %s s',
		async (KEY_CACHE_SECONDS) => {
			const { fetcher } = guardedService(0, { KEY_CACHE_SECONDS });
			const { key } = await newKey();
			expect(await statusOf(fetcher, key)).toBe(200);
			for (let guess = 0; guess < 5; guess += 1) {
				expect(await statusOf(fetcher, await forgedKey())).toBe(429);
			}
			expect(await statusOf(fetcher, key)).toBe(200);
			// The entry of the cache is stale, so the key is looked up again.
			const later = Date.now() + 61_000;
			vi.spyOn(Date, 'now').mockImplementation(() => later);
			expect(await statusOf(fetcher, await forgedKey())).toBe(429);
			expect(await statusOf(fetcher, key)).toBe(200);
		},
	);

	it.each(['60', '0'])(
		'does not count valid keys, when keys are cached for %s s',
		async (KEY_CACHE_SECONDS) => {
			const { counted, fetcher } = guardedService(0, { KEY_CACHE_SECONDS });
			for (let keys = 0; keys < 3; keys += 1) {
				const { key } = await newKey();
				for (let calls = 0; calls < 3; calls += 1) expect(await statusOf(fetcher, key)).toBe(200);
			}
			expect(counted).toEqual([]);
		},
	);

	it('does not reject a valid key because another caller of the network repeats a bad one', async () => {
		const { fetcher } = guardedService(3);
		const bad = await forgedKey();
		for (let calls = 0; calls < 10; calls += 1) await listWith(fetcher, bad);
		expect(await statusOf(fetcher, bad)).toBe(429);
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
	});

	it('counts a key as rejected once it is revoked', async () => {
		const { counted, fetcher } = guardedService(1, { KEY_CACHE_SECONDS: '0' });
		const { key, row } = await newKey();
		expect(await statusOf(fetcher, key)).toBe(200);
		await revokeApiKey(openDatabase(env.DB), row.id, '2026-01-01T00:00:00.000Z');
		expect(await statusOf(fetcher, key)).toBe(401);
		expect(counted).toEqual([`rejected-key:${address}`]);
		expect(await statusOf(fetcher, key)).toBe(429);
	});

	it('is enforced for 300 guesses at once', async () => {
		const { fetcher } = guardedService(20);
		const keys = await Promise.all(Array.from({ length: 300 }, forgedKey));
		const statuses = await Promise.all(keys.map((key) => statusOf(fetcher, key)));
		expect(statuses.filter((status) => status === 401)).toHaveLength(20);
		expect(statuses.filter((status) => status === 429)).toHaveLength(280);
		expect(await statusOf(fetcher, (await newKey()).key)).toBe(200);
	});

	it('does not delay 100 requests at once with valid keys that this isolate has not seen', async () => {
		const { fetcher } = guardedService(0);
		const waits = watchWaits();
		const keys = await Promise.all(Array.from({ length: 100 }, async () => (await newKey()).key));
		const statuses = await Promise.all(keys.map((key) => statusOf(fetcher, key)));
		expect(statuses).toEqual(keys.map(() => 200));
		expect(waits()).toEqual([]);
	});
});

describe('the rate limit of health checks', () => {
	const health = async (fetcher: Fetcher) => {
		const headers = { 'CF-Connecting-IP': address };
		const response = await fetcher(new Request(`${ORIGIN}/healthz`, { headers }));
		return [response.status, response.headers.get('Retry-After')];
	};

	it('returns 429 with Retry-After over the limit, without a query to the database', async () => {
		const faulty = faultyD1();
		const { counted, limiter } = limiterOf(2);
		const fetcher = serviceWith({ DB: faulty.d1, GUESS_LIMITER: limiter });
		expect(await health(fetcher)).toEqual([200, null]);
		expect(await health(fetcher)).toEqual([200, null]);
		expect(await health(fetcher)).toEqual([429, '60']);
		expect(faulty.trips).toBe(2);
		expect(counted).toEqual(Array.from({ length: 3 }, () => `health:${address}`));
	});

	it('does not count failed attempts and guesses from the same address', async () => {
		const [guessed, failed] = [limiterOf(3), limiterOf(3)];
		const fetcher = serviceWith({ RATE_LIMITER: failed.limiter, GUESS_LIMITER: guessed.limiter });
		for (let attempts = 0; attempts < 5; attempts += 1) {
			await listWith(fetcher, await forgedKey());
			await listWith(fetcher, 'x');
		}
		expect(await statusOf(fetcher, 'x')).toBe(429);
		expect(await health(fetcher)).toEqual([200, null]);
	});
});

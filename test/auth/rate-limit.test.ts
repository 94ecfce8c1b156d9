import { describe, expect, it } from 'vitest';
import { addressKey, callerKey } from '../../src/auth/rate-limit.ts';
import { callerWith, newCaller, newKey, SESSIONS } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

/** A limiter that lets so many requests of each key through, and remembers whom it was asked about. */
function limiterOf(most: number) {
	const asked: string[] = [];
	const RATE_LIMITER: RateLimit = {
		limit: async ({ key }) => {
			asked.push(key);
			return { success: asked.filter((each) => each === key).length <= most };
		},
	};
	return { asked, RATE_LIMITER };
}

const ADDRESS = { 'CF-Connecting-IP': '192.0.2.7' };
const nobody = { userId: '', organizationId: null };

describe('the rate limit of a caller', () => {
	it('is a 429 that says when to come again', async () => {
		const caller = await newCaller({ fetcher: serviceWith(limiterOf(2)) });
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

	it('counts every call, known or not, and stops it before the database', async () => {
		const faulty = faultyD1();
		const limiter = limiterOf(1);
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1, ...limiter }) });
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

	it('is shared by the keys of a caller and by nobody else', async () => {
		const fetcher = serviceWith(limiterOf(1));
		const caller = await newCaller({ organizationId: 'org_1', fetcher });
		const owner = { userId: caller.userId, organizationId: 'org_1' };
		expect((await caller.call('GET', SESSIONS)).status).toBe(200);
		let address = 0;
		const status = async (request: Parameters<typeof newKey>[0]) => {
			address += 1;
			const other = callerWith((await newKey(request)).key, nobody, fetcher);
			const headers = { 'CF-Connecting-IP': `198.51.100.${address}` };
			return (await other.call('GET', SESSIONS, { headers })).status;
		};
		expect(await status(owner)).toBe(429);
		expect(await status({ ...owner, organizationId: null })).toBe(200);
		expect(await status({ ...owner, organizationId: 'org_2' })).toBe(200);
		expect(await status({ organizationId: 'org_1' })).toBe(200);
	});

	it('is not shared by owners whose names look alike when put together', () => {
		const owners = [
			{ userId: 'a:b', organizationId: null },
			{ userId: 'a', organizationId: 'b:' },
			{ userId: 'a', organizationId: 'b' },
			{ userId: 'a:b', organizationId: '' },
			{ userId: 'a', organizationId: null },
			{ userId: 'a', organizationId: 'null' },
			{ userId: 'a","b', organizationId: null },
		];
		expect(new Set(owners.map(callerKey)).size).toBe(owners.length);
	});
});

describe('the rate limit of an address', () => {
	const failures: [string, () => Promise<string> | string | undefined][] = [
		['no credentials', () => undefined],
		['Basic', () => 'Basic eDp5'],
		['a typo in a key', () => `rt_live_${'0'.repeat(72)}`],
		['a token', () => 'Bearer a.b.c'],
	];

	it.each(failures)(
		'counts a failed attempt once, by %s, and in the end refuses with 429',
		async (_, make) => {
			const limiter = limiterOf(2);
			const fetcher = serviceWith(limiter);
			const authorization = await make();
			const headers = { ...ADDRESS, ...(authorization ? { Authorization: authorization } : {}) };
			for (const wanted of [401, 401, 429]) {
				const response = await fetcher(new Request(`https://api.test${SESSIONS}`, { headers }));
				expect(response.status).toBe(wanted);
				expect(response.headers.get('Retry-After')).toBe(wanted === 429 ? '60' : null);
			}
			expect(limiter.asked).toEqual(Array.from({ length: 3 }, () => 'address:192.0.2.7'));
		},
	);

	it('stops guessed keys before the database, remembered ones too', async () => {
		const faulty = faultyD1();
		const limiter = limiterOf(3);
		const fetcher = serviceWith({ DB: faulty.d1, ...limiter });
		const good = await newKey();
		const { key } = await newKey({ expiresAt: '2020-01-01T00:00:00.000Z' });
		const call = (text: string) =>
			callerWith(text, nobody, fetcher).call('GET', SESSIONS, { headers: ADDRESS });
		for (const wanted of [401, 401, 401, 429]) expect((await call(key)).status).toBe(wanted);
		expect(faulty.trips).toBe(1);
		// A key that must be looked up has to wait as well: it cannot be told from a guess.
		expect((await call(good.key)).status).toBe(429);
		expect(faulty.trips).toBe(1);
	});

	it('does not stop a key that is known to be good', async () => {
		const limiter = limiterOf(3);
		const fetcher = serviceWith(limiter);
		const caller = await newCaller({ fetcher });
		const call = () => caller.call('GET', SESSIONS, { headers: ADDRESS });
		expect((await call()).status).toBe(200);
		for (let attempt = 0; attempt < 5; attempt += 1) {
			await callerWith('x', nobody, fetcher).call('GET', SESSIONS, { headers: ADDRESS });
		}
		expect((await call()).status).toBe(200);
	});

	it('is another for each IPv4 address, and for each /64 of IPv6', () => {
		expect(addressKey('192.0.2.7')).not.toBe(addressKey('192.0.2.8'));
		const same = [
			'2001:db8:0:1::1',
			'2001:DB8::1:1:2:3:4',
			'2001:0db8:0000:0001:ffff:0:0:1',
			'2001:db8:0:1::',
		];
		expect(new Set(same.map(addressKey))).toEqual(new Set(['address:2001:db8:0:1']));
		const others = ['2001:db8:0:2::1', '2001:db8::1', '::1', 'fe80::1'].map(addressKey);
		expect(new Set([...others, addressKey('2001:db8:0:1::1')]).size).toBe(5);
	});
});

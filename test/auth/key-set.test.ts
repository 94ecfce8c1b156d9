import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyClerkToken } from '../../src/auth/clerk.ts';
import { ApiError } from '../../src/core/errors.ts';
import { pause } from '../../src/core/pause.ts';
import { settingsOf } from '../../src/core/settings.ts';
import { callerWith, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { NOW, newSigningKey, type SigningKey, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const MINUTE = 60;
const HOUR = 3600;
let first: SigningKey;
let second: SigningKey;
beforeAll(async () => {
	[first, second] = await Promise.all([newSigningKey('kid_1'), newSigningKey('kid_2')]);
});

/** Each test has a new issuer, because an isolate caches the key sets that it fetches. */
let issuer: string;
/** The issuer’s response: usually a key set. */
let answer: () => Response | Promise<Response>;
let fetches: Request[];
let issuers = 0;
const serve = (...keys: unknown[]) => {
	answer = () => Response.json({ keys });
};
beforeEach(() => {
	issuers += 1;
	issuer = `https://clerk-${issuers}.test`;
	fetches = [];
	serve(first.jwk);
	vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
		fetches.push(new Request(input, init));
		return answer();
	});
});
afterEach(() => vi.restoreAllMocks());

const settings = (iss = issuer) => ({ CLERK_JWT_KEY: '', CLERK_ISSUER: iss, CLERK_AUTHORIZED_PARTIES: '' });
/** Makes a token a number of seconds after the time of the tests, and verifies it at that time. */
async function verifyAt(seconds: number, key: SigningKey, header = {}, iss = issuer) {
	const at = NOW + seconds;
	const token = await signToken(key, { iss, exp: at + 60, iat: at, nbf: at }, header);
	return verifyClerkToken(token, settingsOf({ ...env, ...settings(iss) }), {
		now: at * 1000,
		waitUntil: () => {},
	});
}
const user = { userId: 'user_1' };
const noSuchKey = { reason: 'ERR_JWKS_NO_MATCHING_KEY' };
const unavailable = new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.');

describe('the key set of the issuer', () => {
	it('is fetched once, from a path under the issuer, and then cached', async () => {
		for (const seconds of [0, 1, MINUTE, HOUR - 1])
			expect(await verifyAt(seconds, first)).toMatchObject(user);
		expect(fetches.map(({ url, method }) => [method, url])).toEqual([
			['GET', `${issuer}/.well-known/jwks.json`],
		]);
	});

	it('is found under an issuer with a path, such as one behind a proxy', async () => {
		const proxied = `${issuer}/__clerk`;
		expect(await verifyAt(0, first, {}, proxied)).toMatchObject(user);
		expect(fetches[0]?.url).toBe(`${proxied}/.well-known/jwks.json`);
	});

	it('is not fetched from the target of a redirect', async () => {
		expect(await verifyAt(0, first)).toMatchObject(user);
		expect(fetches[0]?.redirect).toBe('manual');
	});

	it('is fetched again for a missing key id, which makes a rotated key work', async () => {
		expect(await verifyAt(0, first)).toMatchObject(user);
		serve(first.jwk, second.jwk);
		expect(await verifyAt(MINUTE, second)).toMatchObject(user);
		expect(await verifyAt(MINUTE, first)).toMatchObject(user);
		expect(fetches).toHaveLength(2);
	});

	it('is fetched again for missing key ids at most once a minute', async () => {
		for (let seconds = 0; seconds <= 2 * MINUTE; seconds += 10) {
			const kid = `made_up_${seconds}`;
			expect(await verifyAt(seconds, second, { kid })).toEqual(noSuchKey);
		}
		// At the start, after one minute, and after two.
		expect(fetches).toHaveLength(3);
	});

	it('rejects a key that the refreshed key set no longer has', async () => {
		expect(await verifyAt(0, first)).toMatchObject(user);
		serve(second.jwk);
		expect(await verifyAt(MINUTE, second)).toMatchObject(user);
		expect(await verifyAt(MINUTE, first)).toEqual(noSuchKey);
	});

	it('is fetched again after an hour, which makes a withdrawn key stop working', async () => {
		expect(await verifyAt(0, first)).toMatchObject(user);
		serve(second.jwk);
		expect(await verifyAt(HOUR, first)).toEqual(noSuchKey);
		expect(fetches).toHaveLength(2);
	});

	it.each([[1], ['kid_1', 'kid_1'], { kid: 'kid_1' }, null, ''].map((kid) => [kid]))(
		'has no key for the key id %j',
		async (kid) => {
			expect(await verifyAt(0, first, { kid })).toEqual(noSuchKey);
		},
	);

	it('accepts a token without a key id when it has one key', async () => {
		expect(await verifyAt(0, first, { kid: undefined })).toMatchObject(user);
	});

	it('rejects a token without a key id when it has several keys', async () => {
		serve(first.jwk, second.jwk);
		expect(await verifyAt(0, first, { kid: undefined })).toEqual({
			reason: 'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
		});
	});

	it('rejects the signature of another key under a key id that it has', async () => {
		expect(await verifyAt(0, second, { kid: 'kid_1' })).toEqual({
			reason: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
		});
	});

	it.each([{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'PS256' }, { alg: 'RS512' }, { kty: 'EC' }])(
		'does not use a key that is meant for another purpose: %j',
		async (other) => {
			const { use: _use, ...bare } = first.jwk;
			serve({ ...bare, ...other });
			expect(await verifyAt(0, first)).toEqual(noSuchKey);
		},
	);

	it('does not make HS256 acceptable when it holds a secret key', async () => {
		serve({ kty: 'oct', k: 'c2VjcmV0', kid: 'kid_1', alg: 'HS256' });
		expect(await verifyAt(0, first, { alg: 'HS256' })).toEqual({ reason: 'ERR_JOSE_ALG_NOT_ALLOWED' });
	});
});

describe('100 requests at once', () => {
	/** The status for a token that is accepted: there is no such session. */
	const ACCEPTED = 404;

	/**
	 * Sends tokens, all at once, to the app: for a session that cannot exist, which takes no trip to D1 in which they would wait for one
	 * another. The issuer responds after some milliseconds.
	 */
	async function statusesOf(tokens: string[], delayMs = 50): Promise<number[]> {
		const respond = answer;
		answer = async () => {
			await pause(delayMs);
			return respond();
		};
		const fetcher = serviceWith(settings());
		const owner = { userId: '', organizationId: null };
		const responses = await Promise.all(
			tokens.map((token) => callerWith(token, owner, fetcher).call('GET', `${SESSIONS}/none`)),
		);
		return responses.map(({ status }) => status);
	}
	const tokenNow = (key: SigningKey, header = {}) => {
		const now = Math.floor(Date.now() / 1000);
		return signToken(key, { iss: issuer, exp: now + 60, iat: now, nbf: now }, header);
	};
	const oneMinuteLater = () => {
		const later = Date.now() + MINUTE * 1000;
		vi.spyOn(Date, 'now').mockImplementation(() => later);
	};
	const hundred = <T>(make: (n: number) => T): T[] => Array.from({ length: 100 }, (_, n) => make(n));

	beforeEach(() => {
		vi.spyOn(console, 'warn').mockImplementation(() => {});
		vi.spyOn(console, 'error').mockImplementation(() => {});
	});

	it('share the first fetch, and all succeed', async () => {
		const token = await tokenNow(first);
		expect(await statusesOf(hundred(() => token))).toEqual(hundred(() => ACCEPTED));
		expect(fetches).toHaveLength(1);
	});

	it('with made-up key ids cause one fetch, before the key set is cached and after', async () => {
		const madeUp = () => Promise.all(hundred((n) => tokenNow(second, { kid: `made_up_${n}` })));
		expect(await statusesOf(await madeUp())).toEqual(hundred(() => 401));
		expect(fetches).toHaveLength(1);
		oneMinuteLater();
		expect(await statusesOf(await madeUp())).toEqual(hundred(() => 401));
		expect(fetches).toHaveLength(2);
	});

	it('with a rotated key share the fetch that brings it, and all succeed', async () => {
		expect(await statusesOf([await tokenNow(first)])).toEqual([ACCEPTED]);
		serve(first.jwk, second.jwk);
		oneMinuteLater();
		const token = await tokenNow(second);
		expect(await statusesOf(hundred(() => token))).toEqual(hundred(() => ACCEPTED));
		expect(fetches).toHaveLength(2);
	});

	it('share the failure of the first fetch, and the next request tries again', async () => {
		answer = () => new Response(null, { status: 503 });
		const token = await tokenNow(first);
		// Long enough for all requests to arrive before the fetch fails.
		expect(
			await statusesOf(
				hundred(() => token),
				2000,
			),
		).toEqual(hundred(() => 500));
		expect(fetches).toHaveLength(1);
		serve(first.jwk);
		expect(await statusesOf([token])).toEqual([ACCEPTED]);
		expect(fetches).toHaveLength(2);
	});

	it('do not wait for a stale key set to be fetched again', async () => {
		expect(await verifyAt(0, first)).toMatchObject(user);
		let respond = () => {};
		answer = () =>
			new Promise((resolve) => {
				respond = () => resolve(Response.json({ keys: [second.jwk] }));
			});
		const slow = verifyAt(HOUR, first);
		await until(() => expect(fetches).toHaveLength(2));
		expect(await verifyAt(HOUR, first)).toMatchObject(user);
		respond();
		expect(await slow).toEqual(noSuchKey);
		expect(fetches).toHaveLength(2);
	});
});

describe('an unavailable key set', () => {
	const failures: [string, () => Response | Promise<Response>][] = [
		['no connection', () => Promise.reject(new TypeError('connection refused'))],
		['a 500', () => Response.json({ keys: [first.jwk] }, { status: 500 })],
		['a 404', () => new Response('not here', { status: 404 })],
		['a redirect', () => Response.redirect('https://evil.example/jwks.json', 302)],
		['a body that is not JSON', () => new Response('<html>')],
		['a body that is not a key set', () => Response.json({ keys: 'none' })],
		['a body that is null', () => Response.json(null)],
	];

	it.each(failures)('throws INTERNAL_ERROR on %s, and the next request tries again', async (_, failure) => {
		answer = failure;
		await expect(verifyAt(0, first)).rejects.toEqual(unavailable);
		await expect(verifyAt(0, first)).rejects.toEqual(unavailable);
		serve(first.jwk);
		expect(await verifyAt(0, first)).toMatchObject(user);
		expect(fetches).toHaveLength(3);
	});

	it('does not affect tokens whose keys are cached, and rejects a made-up key id', async () => {
		vi.spyOn(console, 'warn').mockImplementation(() => {});
		expect(await verifyAt(0, first)).toMatchObject(user);
		answer = () => new Response(null, { status: 503 });
		for (const seconds of [MINUTE, MINUTE + 30]) expect(await verifyAt(seconds, second)).toEqual(noSuchKey);
		expect(fetches).toHaveLength(2);
		expect(await verifyAt(MINUTE, first)).toMatchObject(user);
	});

	it('does not affect cached keys after an hour either, and is requested once a minute', async () => {
		vi.spyOn(console, 'warn').mockImplementation(() => {});
		expect(await verifyAt(0, first)).toMatchObject(user);
		answer = () => new Response(null, { status: 503 });
		for (const seconds of [HOUR, HOUR + 30, HOUR + 59]) {
			expect(await verifyAt(seconds, first)).toMatchObject(user);
		}
		expect(fetches).toHaveLength(2);
		serve(second.jwk);
		expect(await verifyAt(HOUR + MINUTE, first)).toEqual(noSuchKey);
	});

	it('returns a 500 without details, which counts against the caller’s network', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		answer = () => new Response('secret words', { status: 503 });
		const counted: string[] = [];
		const RATE_LIMITER: RateLimit = {
			limit: async ({ key }) => {
				counted.push(key);
				return { success: true };
			},
		};
		const now = Math.floor(Date.now() / 1000);
		const token = await signToken(first, { iss: issuer, exp: now + 60, iat: now, nbf: now });
		const caller = callerWith(
			token,
			{ userId: '', organizationId: null },
			serviceWith({ ...settings(), RATE_LIMITER }),
		);
		const { status, json, text } = await caller.call('GET', SESSIONS, {
			headers: { 'CF-Connecting-IP': '192.0.2.1' },
		});
		expect([status, json.code, counted]).toEqual([500, 'INTERNAL_ERROR', ['failure:192.0.2.1']]);
		// The id of the request is random and may contain any digits.
		expect(text.replace(String(json.requestId), '')).not.toMatch(/secret|jwks|503/);
	});
});

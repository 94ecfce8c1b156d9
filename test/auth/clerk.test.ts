import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyClerkToken } from '../../src/auth/clerk.ts';
import { settingsOf } from '../../src/core/settings.ts';
import { runs } from '../model/runs.ts';
import { type Answer, callerWith, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import {
	base64url,
	claimsWith,
	ISSUER,
	NOW,
	newSigningKey,
	type SigningKey,
	signHmac,
	signRaw,
	signToken,
} from '../support/tokens.ts';

const PARTY = 'https://app.example';
const nobody = { userId: '', organizationId: null };

let key: SigningKey;
let foreign: SigningKey;
beforeAll(async () => {
	[key, foreign] = await Promise.all([newSigningKey(), newSigningKey()]);
});
afterEach(() => vi.restoreAllMocks());

const clerkSettings = (other: Record<string, string> = {}) => ({
	CLERK_JWT_KEY: key.pem,
	CLERK_ISSUER: ISSUER,
	CLERK_AUTHORIZED_PARTIES: `https://other.example, ${PARTY}`,
	...other,
});
const verify = (token: string, other: Record<string, string> = {}) =>
	verifyClerkToken(token, settingsOf({ ...env, ...clerkSettings(other) }), {
		now: NOW * 1000,
		waitUntil: () => {},
	});

const fresh = () => {
	const now = Math.floor(Date.now() / 1000);
	return { exp: now + 60, iat: now, nbf: now - 10 };
};

describe('a good token', () => {
	it('of version 2 authenticates its user in the organization of `o`', async () => {
		const token = await signToken(key, { o: { id: 'org_1', rol: 'admin', slg: 'one' } });
		expect(await verify(token)).toEqual({
			userId: 'user_1',
			organizationId: 'org_1',
			permissions: ['*'],
			keyId: null,
			clerkSessionId: 'sess_clerk',
			sessionId: null,
			appendTypes: [],
			expiresAt: Number.POSITIVE_INFINITY,
		});
	});

	it('of version 1 authenticates its user in the organization of `org_id`', async () => {
		const token = await signToken(key, { v: undefined, org_id: 'org_1', org_role: 'admin' });
		expect(await verify(token)).toMatchObject({ userId: 'user_1', organizationId: 'org_1' });
	});

	it.each([
		['no claim of an organization', {}],
		['null in version 2', { o: null }],
		['null in version 1', { v: undefined, org_id: null }],
		['an org_id in version 2, where it is a custom claim', { org_id: 'org_1' }],
	])('with %s authenticates its user in no organization', async (_, claims) => {
		expect(await verify(await signToken(key, claims))).toMatchObject({ organizationId: null });
	});

	it('creates a session for its user and organization without fetching the key set', async () => {
		const asked = vi.spyOn(globalThis, 'fetch');
		const token = await signToken(key, { ...fresh(), o: { id: 'org_1' } });
		const caller = callerWith(token, nobody, serviceWith(clerkSettings()));
		expect(await caller.create()).toMatchObject({ userId: 'user_1', organizationId: 'org_1' });
		expect(asked).not.toHaveBeenCalled();
	});

	it('has all permissions', async () => {
		const token = await signToken(key, { ...fresh(), sub: 'user_all' });
		const caller = callerWith(token, nobody, serviceWith(clerkSettings()));
		const { id } = await caller.create();
		await caller.append(id);
		await caller.details(id);
		expect((await caller.call('DELETE', `${SESSIONS}/${id}`)).status).toBe(200);
	});

	it.each([
		['expired within the leeway', { exp: NOW - 4 }],
		['not valid yet, within the leeway', { nbf: NOW + 5 }],
		['issued in the future, within the leeway', { iat: NOW + 5 }],
		['without iat and nbf, which RFC 7519 leaves free', { iat: undefined, nbf: undefined }],
		['with fractions of seconds', { exp: NOW + 0.5, iat: NOW - 0.5 }],
		['with an exp that is too large for a Date', { exp: 1e300 }],
		['without sts', { sts: undefined }],
		['with members named like those of Object.prototype', { ['__proto__']: { sub: 'x' }, constructor: 1 }],
	])('is accepted: %s', async (_, claims) => {
		expect(await verify(await signToken(key, claims))).toMatchObject({ userId: 'user_1' });
	});

	it('is accepted without typ and kid', async () => {
		const token = await signToken(key, {}, { typ: undefined, kid: undefined });
		expect(await verify(token)).toMatchObject({ userId: 'user_1' });
	});

	it('is accepted without an issuer and a party when none is configured', async () => {
		const token = await signToken(key, { iss: undefined, azp: undefined });
		const free = { CLERK_ISSUER: '', CLERK_AUTHORIZED_PARTIES: '' };
		expect(await verify(token, free)).toMatchObject({ userId: 'user_1' });
	});

	it('is verified with a PEM from a one-line variable that has \\n for its line breaks', async () => {
		const oneLine = { CLERK_JWT_KEY: key.pem.replaceAll('\n', '\\n') };
		expect(await verify(await signToken(key), oneLine)).toMatchObject({ userId: 'user_1' });
	});

	it('is rejected when Clerk is not configured', async () => {
		const off = { CLERK_JWT_KEY: '', CLERK_ISSUER: '' };
		expect(await verify(await signToken(key), off)).toEqual({ reason: 'Clerk is not configured' });
	});
});

const header = (other: Record<string, unknown> = {}) =>
	JSON.stringify({ alg: 'RS256', kid: 'kid_1', typ: 'JWT', ...other });
const payload = (other: Record<string, unknown> = {}) => JSON.stringify(claimsWith({ ...fresh(), ...other }));
const parts = async (claims: Record<string, unknown> = {}) => {
	const [h = '', p = '', s = ''] = (await signToken(key, { ...fresh(), ...claims })).split('.');
	return { h, p, s };
};
const claims = (other: Record<string, unknown>) => () => signToken(key, { ...fresh(), ...other });
const headed = (other: Record<string, unknown>) => () => signToken(key, fresh(), other);
const secondsAgo = (seconds: number) => fresh().iat - seconds;

/** The fault of the token, the reason in the log, and the token. */
const bad: [what: string, reason: RegExp, token: () => Promise<string> | string][] = [
	// An algorithm other than RS256.
	['alg none', /ALG_NOT_ALLOWED/, () => `${base64url(header({ alg: 'none' }))}.${base64url(payload())}.`],
	['alg None', /ALG_NOT_ALLOWED/, () => `${base64url(header({ alg: 'None' }))}.${base64url(payload())}.`],
	['no alg', /JWS_INVALID/, headed({ alg: undefined })],
	['alg as an array', /JWS_INVALID/, headed({ alg: ['RS256'] })],
	['alg as an object', /JWS_INVALID/, headed({ alg: { toString: 'RS256' } })],
	['alg rs256', /ALG_NOT_ALLOWED/, headed({ alg: 'rs256' })],
	['alg PS256', /ALG_NOT_ALLOWED/, headed({ alg: 'PS256' })],
	['alg RS512', /ALG_NOT_ALLOWED/, headed({ alg: 'RS512' })],
	['alg __proto__', /ALG_NOT_ALLOWED/, headed({ alg: '__proto__' })],
	['HS256 under the public PEM', /ALG_NOT_ALLOWED/, () => signHmac(key.pem, { alg: 'HS256' }, fresh())],
	[
		'HS256 under the public PEM with a last line break',
		/ALG_NOT_ALLOWED/,
		() => signHmac(`${key.pem}\n`, { alg: 'HS256' }, fresh()),
	],
	['RS256 that is an HMAC under the PEM', /SIGNATURE/, () => signHmac(key.pem, { alg: 'RS256' }, fresh())],
	// A key other than the configured one.
	['a foreign signature', /SIGNATURE/, () => signToken(foreign, fresh())],
	['an embedded jwk', /SIGNATURE/, () => signToken(foreign, fresh(), { jwk: foreign.jwk })],
	[
		'a foreign jku',
		/SIGNATURE/,
		() => signToken(foreign, fresh(), { jku: 'https://evil.example/jwks.json' }),
	],
	['a foreign x5u', /SIGNATURE/, () => signToken(foreign, fresh(), { x5u: 'https://evil.example/x.pem' })],
	['a foreign x5c', /SIGNATURE/, () => signToken(foreign, fresh(), { x5c: ['MIIB'] })],
	// Changed after it was signed.
	[
		'changed claims',
		/SIGNATURE/,
		async () => {
			const { h, s } = await parts();
			return `${h}.${base64url(payload({ sub: 'user_2' }))}.${s}`;
		},
	],
	[
		'a changed header',
		/SIGNATURE/,
		async () => {
			const { p, s } = await parts();
			return `${base64url(header({ kid: 'kid_2' }))}.${p}.${s}`;
		},
	],
	[
		'a cut signature',
		/SIGNATURE|JWS_INVALID/,
		async () => {
			const { h, p, s } = await parts();
			return `${h}.${p}.${s.slice(0, -4)}`;
		},
	],
	[
		'no signature',
		/SIGNATURE/,
		async () => {
			const { h, p } = await parts();
			return `${h}.${p}.`;
		},
	],
	[
		'a signature of zeros',
		/SIGNATURE/,
		async () => {
			const { h, p } = await parts();
			return `${h}.${p}.${base64url(new Uint8Array(256))}`;
		},
	],
	[
		'a longer signature',
		/SIGNATURE/,
		async () => {
			const { h, p, s } = await parts();
			return `${h}.${p}.AAAA${s}`;
		},
	],
	// Not a JWS.
	['two parts', /JWS_INVALID/, async () => (await signToken(key, fresh())).split('.').slice(0, 2).join('.')],
	['four parts', /JWS_INVALID/, async () => `${await signToken(key, fresh())}.e30`],
	[
		'the five parts of a JWE',
		/JWS_INVALID/,
		() => `${base64url('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.a.b.c.d`,
	],
	['one word', /JWS_INVALID/, () => 'token'],
	['dots', /JWS_INVALID/, () => '..'],
	['many dots', /JWS_INVALID/, () => '.'.repeat(8000)],
	['a token over 8,192 characters', /too long/, claims({ fill: 'x'.repeat(8192) })],
	['a huge token', /too long/, () => 'a.'.repeat(30_000)],
	['a header that is not JSON', /JWS_INVALID/, () => signRaw(key, 'alg=RS256', payload())],
	['a header that is an array', /JWS_INVALID/, () => signRaw(key, '[{"alg":"RS256"}]', payload())],
	['a header that is null', /JWS_INVALID/, () => signRaw(key, 'null', payload())],
	['a header nested 2,000 deep', /JWS_INVALID/, () => signRaw(key, '['.repeat(2000), payload())],
	['a binary header', /JWS_INVALID/, () => signRaw(key, new Uint8Array([0xff, 0xfe, 0, 1]), payload())],
	[
		'standard base64 instead of base64url',
		/JWS_INVALID|SIGNATURE/,
		async () => {
			const { h, p, s } = await parts();
			return `${h}.${p}.++//${s.slice(4)}`;
		},
	],
	[
		'characters that are not base64url',
		/JWS_INVALID/,
		async () => {
			const { h, p, s } = await parts();
			return `${h}.${p}.!${s}`;
		},
	],
	['a payload that is not JSON', /JWT_INVALID/, () => signRaw(key, header(), 'sub=user_1')],
	['a payload that is not an object', /JWT_INVALID/, () => signRaw(key, header(), '"user_1"')],
	['a payload that is an array', /JWT_INVALID/, () => signRaw(key, header(), `[${payload()}]`)],
	['a payload that is null', /JWT_INVALID/, () => signRaw(key, header(), 'null')],
	['a binary payload', /JWT_INVALID/, () => signRaw(key, header(), new Uint8Array([0xff, 0, 0xc0, 0x80]))],
	['an empty payload', /JWT_INVALID/, () => signRaw(key, header(), '')],
	// Header members that change how the token is read.
	['a crit it does not know', /NOT_SUPPORTED/, headed({ crit: ['x'], x: 1 })],
	['a crit of exp', /NOT_SUPPORTED/, headed({ crit: ['exp'], exp: 1 })],
	['an empty crit', /JWS_INVALID/, headed({ crit: [] })],
	['a crit of odd type', /JWS_INVALID/, headed({ crit: 'b64' })],
	[
		'a payload that is not encoded',
		/JWT_INVALID|JWS_INVALID|SIGNATURE/,
		headed({ crit: ['b64'], b64: false }),
	],
	['the type of an OAuth token', /^typ$/, headed({ typ: 'at+jwt' })],
	['a typ of odd type', /^typ$/, headed({ typ: ['JWT'] })],
	// Claims.
	['another issuer', /iss/, claims({ iss: 'https://evil.example' })],
	['an issuer that begins like ours', /iss/, claims({ iss: `${ISSUER}.evil.example` })],
	['an issuer with a slash more', /iss/, claims({ iss: `${ISSUER}/` })],
	['issuers as an array', /iss/, claims({ iss: [ISSUER] })],
	['no issuer', /iss/, claims({ iss: undefined })],
	['another party', /azp/, claims({ azp: 'https://evil.example' })],
	['a party as an array', /azp/, claims({ azp: [PARTY] })],
	['no party', /azp/, claims({ azp: undefined })],
	['no sub', /sub/, claims({ sub: undefined })],
	['an empty sub', /^sub$/, claims({ sub: '' })],
	['a sub that is a number', /^sub$/, claims({ sub: 1 })],
	['a sub that is an array', /^sub$/, claims({ sub: ['user_1'] })],
	['a sub over 255 characters', /^sub$/, claims({ sub: 'u'.repeat(256) })],
	['an expired exp', /exp/, () => signToken(key, { ...fresh(), exp: secondsAgo(6) })],
	['no exp', /exp/, claims({ exp: undefined })],
	['exp null', /exp/, claims({ exp: null })],
	['exp as a string', /exp/, claims({ exp: '9999999999' })],
	['exp negative', /exp/, claims({ exp: -1 })],
	['exp zero', /exp/, claims({ exp: 0 })],
	['an nbf in the future', /nbf/, () => signToken(key, { ...fresh(), nbf: secondsAgo(-30) })],
	['nbf as a string', /nbf/, claims({ nbf: '0' })],
	['an iat in the future', /iat/, () => signToken(key, { ...fresh(), iat: secondsAgo(-30) })],
	['iat as a string', /iat/, claims({ iat: '0' })],
	['a pending session', /pending/, claims({ sts: 'pending' })],
	['an organization that is a text', /organization/, claims({ o: 'org_1' })],
	['an organization without an id', /organization/, claims({ o: {} })],
	['an organization whose id is a number', /organization/, claims({ o: { id: 1 } })],
	['an organization whose id is empty', /organization/, claims({ o: { id: '' } })],
	['an org_id that is an object', /organization/, claims({ v: undefined, org_id: { id: 'org_1' } })],
	['an organization whose id is too long', /organization/, claims({ o: { id: 'o'.repeat(256) } })],
];

/** The parts of a rejection that a caller sees, without those that differ between any two responses. */
const visible = ({ status, text, headers, json }: Answer<Record<string, unknown>>) => ({
	status,
	text: text.replace(String(json.requestId), ''),
	headers: [...headers].filter(([name]) => !/^(date|x-request-id)$/.test(name)).sort(),
});

describe('a bad token', () => {
	it.each(bad)(
		'with %s gets the same 401 as every bad token, and the log says why',
		async (_, reason, token) => {
			const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
			const text = await token();
			const fetcher = serviceWith(clerkSettings());
			const answer = await callerWith(text, nobody, fetcher).call('GET', SESSIONS);
			expect(visible(answer)).toEqual(visible(await callerWith('x', nobody, fetcher).call('GET', SESSIONS)));
			expect([answer.status, answer.json.code, answer.headers.get('WWW-Authenticate')]).toEqual([
				401,
				'UNAUTHORIZED',
				'Bearer realm="product-generation-sessions", error="invalid_token"',
			]);
			const line = JSON.parse(String(warn.mock.calls[0]?.[0])) as Record<string, string>;
			expect(line).toMatchObject({ message: 'token rejected', requestId: answer.json.requestId });
			expect(line.reason).toMatch(reason);
		},
	);

	it('of arbitrary characters is rejected without an error', async () => {
		const good = await signToken(key);
		const part = fc.oneof(
			fc.json().map((text) => base64url(text)),
			fc.base64String(),
			fc.string(),
		);
		// Without spaces, because a space ends a token in the header.
		const character = fc.string({ maxLength: 1 }).map((text) => text.trim());
		const token = fc.oneof(
			fc.string({ maxLength: 300 }),
			fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
			// A good token with one character removed, inserted or replaced.
			fc
				.tuple(fc.nat(good.length - 1), fc.nat(1), character)
				.map(([at, gone, put]) => good.slice(0, at) + put + good.slice(at + gone)),
		);
		await fc.assert(
			fc.asyncProperty(token, async (text) => {
				const verified = await verify(text);
				// Some bits of the last character belong to no byte of the signature, so another character can be equivalent.
				const same = text.slice(0, -1) === good.slice(0, -1);
				expect('reason' in verified || same).toBe(true);
			}),
			runs(500),
		);
	});

	it('with arbitrary claims and header never causes an error, even when the right key signed it', async () => {
		const headers = fc.dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'jwk'), fc.jsonValue());
		const names = fc.constantFrom('exp', 'nbf', 'iat', 'iss', 'azp', 'sub', 'sts', 'o', 'v', 'org_id');
		await fc.assert(
			fc.asyncProperty(fc.dictionary(names, fc.jsonValue()), headers, async (odd, oddHeader) => {
				const verified = await verify(await signToken(key, odd, oddHeader));
				if ('reason' in verified) return;
				expect(verified.userId).toBe(odd.sub ?? 'user_1');
				expect(verified.organizationId).not.toBe('');
			}),
			runs(300),
		);
	});

	it('does not appear in the log', async () => {
		const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
		const secret = 'rt_live_secret';
		const token = await signToken(key, { iss: secret, sub: secret }, { crit: [secret], [secret]: 1 });
		await callerWith(token, nobody, serviceWith(clerkSettings())).call('GET', SESSIONS);
		await callerWith(await signToken(key, { iss: secret }), nobody, serviceWith(clerkSettings())).call(
			'GET',
			SESSIONS,
		);
		expect(warn).toHaveBeenCalledTimes(2);
		expect(JSON.stringify(warn.mock.calls)).not.toContain(secret);
	});
});

describe('an invalid PEM', () => {
	it('returns 500 for every token, and does not mention the PEM', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		for (const pem of ['nonsense', key.pem.slice(0, 100), key.pem.replaceAll('PUBLIC', 'PRIVATE')]) {
			const fetcher = serviceWith(clerkSettings({ CLERK_JWT_KEY: pem }));
			const token = await signToken(key, fresh());
			const { status, json, text } = await callerWith(token, nobody, fetcher).call('GET', SESSIONS);
			expect([status, json.code]).toEqual([500, 'INTERNAL_ERROR']);
			expect(text).not.toMatch(/PEM|SPKI|key/i);
		}
	});

	it('is named in the log by its setting, but not quoted, when it has the form of a key and is none', async () => {
		const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
		const middle = key.pem.length / 2;
		const ecKey = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
			'sign',
		])) as CryptoKeyPair;
		const spki = new Uint8Array((await crypto.subtle.exportKey('spki', ecKey.publicKey)) as ArrayBuffer);
		const pems = [
			`${key.pem.slice(0, middle)}${key.pem.slice(middle + 8)}`,
			'-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----',
			'-----BEGIN PUBLIC KEY-----\nMIIB====\n-----END PUBLIC KEY-----',
			`-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...spki))}\n-----END PUBLIC KEY-----`,
		];
		for (const [at, pem] of pems.entries()) {
			const fetcher = serviceWith(clerkSettings({ CLERK_JWT_KEY: pem }));
			const token = await signToken(key, fresh());
			const { status } = await callerWith(token, nobody, fetcher).call('GET', SESSIONS);
			const line = String(logged.mock.calls[at]?.[0]);
			expect([status, line]).toEqual([500, expect.stringContaining('CLERK_JWT_KEY is not')]);
			expect(line).not.toContain(pem.split('\n')[1] || 'no content');
		}
	});
});

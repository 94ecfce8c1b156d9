import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bindings, settingsOf } from '../../src/core/settings.ts';
import { callerWith, newCaller, newKey, ORIGIN, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';

const settingsWith = (vars: Partial<Bindings>) => settingsOf({ ...env, ...vars });
const HUNDRED_YEARS = 3_155_760_000;

afterEach(() => vi.restoreAllMocks());

describe('SESSION_TTL_SECONDS', () => {
	it('gives an expiry with a four-digit year at its maximum', async () => {
		const fetcher = serviceWith({ SESSION_TTL_SECONDS: String(HUNDRED_YEARS) });
		const caller = await newCaller({ fetcher });
		const { id, expiresAt } = await caller.create();
		expect(expiresAt).toMatch(/^\d{4}-/);
		expect((await caller.details(id)).id).toBe(id);
	});

	it.each(['999999999999', String(HUNDRED_YEARS + 1), '0', '-1', '1.5', 'a week', ''])(
		'is rejected when it is %j',
		(seconds) => {
			expect(() => settingsWith({ SESSION_TTL_SECONDS: seconds })).toThrow(/SESSION_TTL_SECONDS/);
		},
	);
});

describe('CLERK_ISSUER', () => {
	it.each(['https://clerk.test', 'https://clerk.test/', ' https://clerk.test// '])(
		'loses the slash at its end, because the `iss` of a Clerk token has none: %j',
		(issuer) => {
			expect(settingsWith({ CLERK_ISSUER: issuer }).CLERK_ISSUER).toBe('https://clerk.test');
		},
	);
});

describe('an invalid setting', () => {
	it.each(['/healthz', '/docs', '/nowhere', SESSIONS])(
		'makes GET %s return 500, and the log names the setting',
		async (path) => {
			const error = vi.spyOn(console, 'error').mockImplementation(() => {});
			const fetcher = serviceWith({ SESSION_TTL_SECONDS: '999999999999', CLEANUP_MAX_SECONDS: 'x' });
			const { key } = await newKey();
			const owner = { userId: '', organizationId: null };
			const { status, json, text } = await callerWith(key, owner, fetcher).call('GET', path);
			expect([status, json.code]).toEqual([500, 'INTERNAL_ERROR']);
			expect(text).not.toContain('SESSION_TTL');
			expect(error).toHaveBeenCalledOnce();
			expect(JSON.parse(String(error.mock.calls[0]?.[0]))).toMatchObject({
				level: 'error',
				code: 'INTERNAL_ERROR',
				error: expect.stringMatching(
					/^Invalid settings in wrangler\.toml.*SESSION_TTL_SECONDS: .*3155760000.*CLEANUP_MAX_SECONDS: /s,
				),
			});
		},
	);

	it('makes a preflight request return 500 too', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		const fetcher = serviceWith({ SESSION_TTL_SECONDS: '0' });
		const response = await fetcher(new Request(ORIGIN + SESSIONS, { method: 'OPTIONS' }));
		expect(response.status).toBe(500);
	});
});

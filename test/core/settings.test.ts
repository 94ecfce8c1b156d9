import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bindings, settingsOf } from '../../src/core/settings.ts';
import { callerWith, newCaller, newKey, ORIGIN, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';

const settingsWith = (vars: Record<string, unknown>) => settingsOf({ ...env, ...vars } as Bindings);
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
});

const PEM = '-----BEGIN PUBLIC KEY-----\nMIIB+/=\n-----END PUBLIC KEY-----';
const NUMBERS = {
	SESSION_TTL_SECONDS: { default: 604_800, min: 1, max: HUNDRED_YEARS },
	SESSION_TTL_MAX_SECONDS: { default: 2_592_000, min: 60, max: HUNDRED_YEARS },
	MAX_SESSIONS_PER_CALLER: { default: Number.POSITIVE_INFINITY, min: 1, max: Number.MAX_SAFE_INTEGER },
	MAX_EVENTS_PER_SESSION: { default: 100_000, min: 1, max: 9_999_999_999 },
	MAX_EVENT_BYTES_PER_SESSION: { default: 67_108_864, min: 1, max: Number.MAX_SAFE_INTEGER },
	FOLLOW_MAX_SECONDS: { default: 3600, min: 1, max: 86_400 },
	FOLLOW_HEARTBEAT_SECONDS: { default: 15, min: 1, max: 15 },
	MAX_STREAMS_PER_CALLER: { default: 100, min: 1, max: 10_000 },
	HISTORY_BYTES: { default: 4_194_304, min: 0, max: 67_108_864 },
	FOLLOW_MAX_STATEMENTS: { default: 1000, min: 40, max: 1000 },
	KEY_CACHE_SECONDS: { default: 60, min: 0, max: Number.MAX_SAFE_INTEGER },
	CLEANUP_MAX_STATEMENTS: { default: 1000, min: 20, max: 1000 },
	CLEANUP_MAX_SECONDS: { default: 120, min: 1, max: 840 },
	WEBHOOK_MAX_TRIES: { default: 1000, min: 1, max: 5000 },
};
const TEXTS = {
	PLACEMENT: [],
	CORS_ORIGINS: [],
	CLERK_JWT_KEY: '',
	CLERK_ISSUER: '',
	CLERK_AUTHORIZED_PARTIES: [],
	WEBHOOKS_ALLOW_LOOPBACK: false,
};
const DEFAULTS = {
	...Object.fromEntries(Object.entries(NUMBERS).map(([name, n]) => [name, n.default])),
	...TEXTS,
};

describe('a setting', () => {
	it.each(Object.entries(DEFAULTS))(
		'%s has its default when it is absent, empty or blank',
		(name, absent) => {
			for (const value of [undefined, '', ' ', '\t\n']) {
				expect(settingsWith({ [name]: value })).toMatchObject({ [name]: absent });
			}
		},
	);

	it('is in the table above', () => {
		expect(Object.keys(settingsWith({})).sort()).toEqual([...Object.keys(DEFAULTS), 'DATABASES'].sort());
	});

	it.each(Object.entries(NUMBERS))('%s is a whole number in its range', (name, { min, max }) => {
		for (const value of [min, max]) {
			for (const written of [String(value), ` ${value}\n`, `00${value}`, value])
				expect(settingsWith({ [name]: written })).toMatchObject({ [name]: value });
		}
		const wrong = [
			'1e2',
			'0x10',
			'12abc',
			'1 2',
			'1.5',
			'-1',
			'+1',
			'1_000',
			'x',
			'٣',
			'null',
			String(max + 1),
		];
		for (const written of [...wrong, min - 1, 1.5, true, null]) {
			expect(() => settingsWith({ [name]: written })).toThrow(new RegExp(`secrets\\. ${name}: must be `));
		}
	});

	it.each([
		['CORS_ORIGINS', ['https://app.example']],
		['CLERK_AUTHORIZED_PARTIES', ['https://app.example']],
		['CLERK_ISSUER', 'https://app.example'],
	])('%s is taken in each form that means the same origin', (name, meant) => {
		const forms = [
			'https://app.example',
			' https://app.example/ ',
			'https://app.example//',
			'HTTPS://App.Example',
		];
		for (const written of [...forms, 'https://app.example:443', 'https://App.example:443/'])
			expect(settingsWith({ [name]: written })).toMatchObject({ [name]: meant });
	});

	it.each(['CORS_ORIGINS', 'CLERK_AUTHORIZED_PARTIES'])('%s lists origins as browsers send them', (name) => {
		const written =
			',http://A.example:80 , http://[::1]:8080/,,https://bücher.example,chrome-extension://abc,capacitor://localhost';
		expect(settingsWith({ [name]: written })).toMatchObject({
			[name]: [
				'http://a.example',
				'http://[::1]:8080',
				'https://xn--bcher-kva.example',
				'chrome-extension://abc',
				'capacitor://localhost',
			],
		});
	});

	it.each([
		['app.example', 'has no scheme'],
		['app.example:443', 'has no scheme'],
		['//app.example', 'has no scheme'],
		['https:app.example', 'has no scheme'],
		['"https://app.example"', 'has no scheme'],
		['https://', 'is not an origin'],
		['https://app.example/path', 'is not an origin'],
		['https://app.example?query', 'is not an origin'],
		['https://app.example#part', 'is not an origin'],
		['https://user@app.example', 'is not an origin'],
		['https://app.example:port', 'is not an origin'],
		['https://app.example:99999', 'is not an origin'],
		['https://app.example;', 'is not an origin'],
		["https://app.example'", 'is not an origin'],
		['https://a.example;b.example', 'is not an origin'],
		['file:///page.html', 'is not an origin'],
		['https://*.app.example', 'has a wildcard'],
		['https://app .example', 'separate origins by commas'],
		['https://a.example https://b.example', 'separate origins by commas'],
		['null', 'names no page'],
	])('that lists origins is rejected with %j', (origin, why) => {
		for (const name of ['CORS_ORIGINS', 'CLERK_AUTHORIZED_PARTIES']) {
			for (const written of [origin, `https://good.example,${origin}`]) {
				const refusal = () => settingsWith({ [name]: written });
				expect(refusal).toThrow(`secrets. ${name}: ${JSON.stringify(origin)} `);
				expect(refusal).toThrow(why);
			}
		}
	});

	it('takes * for all origins only in CORS_ORIGINS', () => {
		expect(settingsWith({ CORS_ORIGINS: ' * ' }).CORS_ORIGINS).toEqual(['*']);
		expect(() => settingsWith({ CLERK_AUTHORIZED_PARTIES: '*' })).toThrow(
			/CLERK_AUTHORIZED_PARTIES: .*wildcard/,
		);
	});

	it.each([
		'clerk.example',
		'https://',
		'https:clerk.example',
		'ftp://clerk.example',
		'https://clerk.example?x',
		'https://a.example,https://b.example',
		'https://a.example https://b.example',
		'https://user:secret@clerk.example',
		'null',
		'*',
	])('CLERK_ISSUER is rejected when it is %j', (written) => {
		expect(() => settingsWith({ CLERK_ISSUER: written })).toThrow(/CLERK_ISSUER: must be one URL such as/);
	});

	it('CLERK_ISSUER may have a path', () => {
		const { CLERK_ISSUER } = settingsWith({ CLERK_ISSUER: 'https://App.example/__clerk/' });
		expect(CLERK_ISSUER).toBe('https://app.example/__clerk');
	});

	it('CLERK_JWT_KEY is a PEM, whose line breaks may be written as \\n', () => {
		for (const written of [PEM, PEM.replaceAll('\n', '\\n'), ` ${PEM}\n`, PEM.replaceAll('\n', '\\r\\n')])
			expect(settingsWith({ CLERK_JWT_KEY: written }).CLERK_JWT_KEY).toBe(PEM);
	});

	it.each([
		'MIIBIjANBgkqhkiG9w0BAQ',
		PEM.replaceAll('PUBLIC', 'PRIVATE'),
		PEM.replaceAll('PUBLIC KEY', 'CERTIFICATE'),
		PEM.slice(0, -1),
		`"${PEM}"`,
	])('CLERK_JWT_KEY is rejected when it is %j, and the refusal does not quote it', (written) => {
		const refusal = () => settingsWith({ CLERK_JWT_KEY: written });
		expect(refusal).toThrow(/CLERK_JWT_KEY: must be a PEM/);
		expect(refusal).not.toThrow(/MIIB/);
	});

	it.each(['DB', 'DB=WEUR', 'weur', 'DB=weur;DB_1=apac', 'DB_100=weur', 'null', 1])(
		'PLACEMENT is rejected when it is %j',
		(written) => expect(() => settingsWith({ PLACEMENT: written })).toThrow(/PLACEMENT: "/),
	);

	it.each(Object.keys(DEFAULTS))('%s is rejected when it is no text and no number', (name) => {
		for (const value of [null, true, [], {}]) {
			expect(() => settingsWith({ [name]: value })).toThrow(
				`secrets. ${name}: must be a text in quotation marks`,
			);
		}
	});
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
			// One line for programs, and the error itself for its stack.
			expect(error).toHaveBeenCalledTimes(2);
			expect(error.mock.calls[1]?.[0]).toBeInstanceOf(Error);
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

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { runWebhooks } from '../../src/webhooks/run.ts';
import { callerWith, newCaller, newKey, SESSIONS, send } from '../support/api.ts';
import { d1s, query } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { FIVE } from '../support/several-databases.ts';
import { until } from '../support/until.ts';
import { createWebhook, NO_QUEUE, PUBLIC_URL, WEBHOOKS } from '../support/webhooks.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const ABSENT = 'wh_01k2vxq8f3e7ttyyds0t6w2h4b';

describe('a webhook', () => {
	it('is created with a secret, which no later response contains', async () => {
		const caller = await newCaller();
		const { secret, ...webhook } = await createWebhook(caller, { events: ['session.created', 'event:a.*'] });
		expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(webhook).toEqual({
			createdAt: expect.any(String),
			disabled: null,
			events: ['session.created', 'event:a.*'],
			id: expect.stringMatching(/^wh_/),
			previousSecretUntil: null,
			updatedAt: webhook.createdAt,
			url: PUBLIC_URL,
		});
		const read = await caller.call('GET', `${WEBHOOKS}/${webhook.id}`);
		expect([read.status, read.json]).toEqual([200, webhook]);
		const list = await caller.call('GET', WEBHOOKS);
		expect([list.status, list.json]).toEqual([200, { data: [webhook] }]);
	});

	it('is changed field by field', async () => {
		const caller = await newCaller();
		const { secret: _, ...webhook } = await createWebhook(caller, { events: ['session.created'] });
		const patch = async (body: unknown) => {
			const answer = await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body });
			expect(answer.status).toBe(200);
			return answer.json;
		};
		expect(await patch({})).toEqual(webhook);
		expect(await patch({ events: ['event:*'] })).toMatchObject({ events: ['event:*'], url: PUBLIC_URL });
		const disabled = { at: expect.any(String), code: 'REQUESTED', reason: 'It was disabled by an update.' };
		expect(await patch({ enabled: false })).toMatchObject({ events: ['event:*'], disabled });
		expect(await patch({ url: 'https://other.example.com/' })).toMatchObject({ disabled });
		expect(await patch({ enabled: true })).toMatchObject({
			url: 'https://other.example.com/',
			disabled: null,
		});
	});

	it('that is enabled, or changed while it is, is woken in every database, because messages may have waited for that', async () => {
		const woken: unknown[] = [];
		const queue = { sendBatch: async (messages: { body: unknown }[]) => void woken.push(...messages) };
		const fetcher = serviceWith({ ...FIVE, WEBHOOK_QUEUE: queue as never });
		const caller = await newCaller({ fetcher });
		const { id } = await createWebhook(caller);
		const patch = (body: unknown) => caller.call('PATCH', `${WEBHOOKS}/${id}`, { body });
		await patch({ enabled: false });
		await patch({ events: ['event:*'] });
		expect(woken).toEqual([]);
		await patch({ enabled: true });
		await until(() => expect(woken.length).toBe(5));
		expect(woken).toContainEqual({ body: { database: 0, endpoint: id } });
		await patch({ url: 'https://other.example.com/' });
		await until(() => expect(woken.length).toBe(10));
	});

	it('is deleted', async () => {
		const caller = await newCaller();
		const { id } = await createWebhook(caller);
		const gone = await caller.call('DELETE', `${WEBHOOKS}/${id}`);
		expect([gone.status, gone.json]).toEqual([200, { success: true }]);
		for (const method of ['GET', 'DELETE']) {
			expect((await caller.call(method, `${WEBHOOKS}/${id}`)).status).toBe(404);
		}
		expect((await caller.call('GET', WEBHOOKS)).json).toEqual({ data: [] });
	});

	it('gets a new secret', async () => {
		const caller = await newCaller();
		const { id, secret } = await createWebhook(caller);
		const { status, json } = await caller.call('POST', `${WEBHOOKS}/${id}/secret`);
		expect(status).toBe(201);
		expect(json.secret).toMatch(/^whsec_/);
		expect(json.secret).not.toBe(secret);
		const hours = (Date.parse(String(json.previousSecretUntil)) - Date.now()) / 3_600_000;
		expect(hours).toBeGreaterThan(23.9);
		expect(hours).toBeLessThanOrEqual(24);
		// It can be read later as well, unlike the secrets.
		const read = await caller.call('GET', `${WEBHOOKS}/${id}`);
		expect(read.json.previousSecretUntil).toBe(json.previousSecretUntil);
		expect(JSON.stringify(read.json)).not.toContain('whsec_');
	});
});

describe('a caller', () => {
	it('has at most ten webhooks, also when it creates many at once', async () => {
		const caller = await newCaller();
		const attempts = Array.from({ length: 14 }, () =>
			caller.call('POST', WEBHOOKS, { body: { url: PUBLIC_URL, events: ['event:*'] } }),
		);
		const answers = await Promise.all(attempts);
		expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
		const refused = answers.filter(({ status }) => status === 403);
		expect(refused.map(({ json }) => json.code)).toEqual(Array(4).fill('QUOTA_EXCEEDED'));
		const { json } = await caller.call<{ data: { id: string }[] }>('GET', WEBHOOKS);
		expect(json.data).toHaveLength(10);
		await caller.call('DELETE', `${WEBHOOKS}/${json.data[3]?.id}`);
		await createWebhook(caller);
	});

	it('does not learn of the webhooks of others, and changes none', async () => {
		const owner = await newCaller({ organizationId: 'org_a' });
		const { id, secret: _, ...webhook } = await createWebhook(owner);
		const strangers = [
			await newCaller(),
			await newCaller({ userId: owner.userId }),
			await newCaller({ userId: owner.userId, organizationId: 'org_b' }),
			await newCaller({ organizationId: 'org_a' }),
		];
		for (const stranger of strangers) {
			const outcomes = async (of: string) => {
				const answers = [];
				for (const [method, path, body] of [
					['GET', '', undefined],
					['PATCH', '', { url: 'https://stranger.example.com/' }],
					['DELETE', '', undefined],
					['POST', '/secret', undefined],
				] as const) {
					const answer = await stranger.call(method, `${WEBHOOKS}/${of}${path}`, body ? { body } : {});
					const { requestId: __, ...rest } = answer.json;
					answers.push([answer.status, rest]);
				}
				return answers;
			};
			expect(await outcomes(id)).toEqual(await outcomes(ABSENT));
			expect((await stranger.call('GET', WEBHOOKS)).json).toEqual({ data: [] });
		}
		expect((await owner.call('GET', `${WEBHOOKS}/${id}`)).json).toEqual({ id, ...webhook });
	});

	it('needs the permission WEBHOOKS:*', async () => {
		const { userId } = await newCaller();
		for (const [permissions, status] of [
			[['PRODUCTS:*'], 403],
			[['PRODUCTS:READ', 'PRODUCTS:WRITE', 'PRODUCTS:DELETE'], 403],
			[['WEBHOOKS:*'], 200],
			[['*'], 200],
		] as const) {
			const caller = await newCaller({ userId, permissions: [...permissions] });
			expect((await caller.call('GET', WEBHOOKS)).status).toBe(status);
		}
		const caller = await newCaller({ userId, permissions: ['WEBHOOKS:*'] });
		expect((await caller.call('GET', SESSIONS)).status).toBe(403);
		expect((await send(WEBHOOKS)).status).toBe(401);
	});

	it('cannot use a key for one session', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { json } = await caller.call('POST', `${SESSIONS}/${id}/keys`);
		const browser = callerWith(String(json.key), caller);
		expect((await browser.call('GET', WEBHOOKS)).status).toBe(403);
	});
});

describe('the events of a webhook', () => {
	const refused = async (events: unknown) => {
		const caller = await newCaller();
		const { status, json } = await caller.call('POST', WEBHOOKS, { body: { url: PUBLIC_URL, events } });
		expect(status).toBe(400);
		return (json.details as { path: string; code: string }[]).map(({ path, code }) => `${path} ${code}`);
	};

	it('are 1 to 20 known names', async () => {
		expect(await refused([])).toEqual(['events TOO_SHORT']);
		expect(await refused(Array(21).fill('event:a'))).toEqual(['events TOO_LONG']);
		expect(await refused(undefined)).toEqual(['events MISSING_REQUIRED_FIELD']);
		for (const name of ['session.patched', 'event:', 'event:a*b', 'event:**', '*', 'event', '']) {
			expect(await refused(['event:a', name])).toEqual(['events.1 INVALID_ENUM']);
		}
		expect(await refused([`event:${'x'.repeat(256)}`])).toEqual(['events.0 TOO_LONG']);
		expect(await refused(['event:a\nb'])).toEqual(['events.0 INVALID_CHARACTERS']);
		expect(await refused([1])).toEqual(['events.0 INVALID_TYPE']);
	});
});

describe('the URL of a webhook', () => {
	const attempt = async (url: unknown, fetcher = serviceWith({})) => {
		const caller = await newCaller({ fetcher });
		const { status, json } = await caller.call('POST', WEBHOOKS, { body: { url, events: ['event:*'] } });
		const [problem] = (json.details as { path: string; code: string }[] | undefined) ?? [];
		return status === 201 ? 'allowed' : `${status} ${problem?.path} ${problem?.code}`;
	};

	it.each([
		'http://hooks.example.com/',
		'ftp://hooks.example.com/',
		'https://localhost/',
		'https://LOCALHOST./',
		'https://a.localhost/',
		'https://127.0.0.1/',
		'https://127.1/',
		'https://2130706433/',
		'https://0x7f000001/',
		'https://0177.0.0.1/',
		'https://0x7f.1/',
		'https://127.0.0.1./',
		'https://127。0。0。1/',
		'https://①②⑦.0.0.1/',
		'https://0.0.0.0/',
		'https://10.1.2.3/',
		'https://172.16.0.1/',
		'https://192.168.1.1/',
		'https://169.254.169.254/latest/meta-data/',
		'https://0xa9fea9fe/',
		'https://100.64.0.1/',
		'https://100.100.100.200/',
		'https://168.63.129.16/',
		'https://192.0.0.192/',
		'https://198.18.0.1/',
		'https://203.0.113.1/',
		'https://224.0.0.1/',
		'https://240.0.0.1/',
		'https://255.255.255.255/',
		'https://[::1]/',
		'https://[::]/',
		'https://[::ffff:127.0.0.1]/',
		'https://[::ffff:7f00:1]/',
		'https://[::ffff:8.8.8.8]/',
		'https://[::127.0.0.1]/',
		'https://[64:ff9b::7f00:1]/',
		'https://[2002:7f00:1::]/',
		'https://[fe80::1]/',
		'https://[fc00::1]/',
		'https://[fd00:ec2::254]/',
		'https://[ff02::1]/',
		'https://metadata/',
		'https://metadata.google.internal/',
		'https://db.internal./',
		'https://printer.local/',
		'https://nas.home.arpa/',
		'https://user:password@hooks.example.com/',
		'https://user@hooks.example.com/',
	])('must not be %s', async (url) => {
		expect(await attempt(url)).toBe('400 url REFUSED_ADDRESS');
	});

	it.each([
		'',
		'hooks.example.com',
		'/hooks',
		'https://',
		'https://a b/',
		'https://hooks.example.com/#a',
		'https://[::1',
	])('must be a URL, which %s is not', async (url) => {
		expect(await attempt(url)).toMatch(/^400 url (INVALID_FORMAT|TOO_SHORT)$/);
	});

	it('must have at most 2048 characters, also as it is stored', async () => {
		const base = 'https://hooks.example.com/';
		expect(await attempt(base + 'x'.repeat(2049 - base.length))).toBe('400 url TOO_LONG');
		expect(await attempt(base + 'é'.repeat(1000))).toBe('400 url TOO_LONG');
		expect(await attempt(base + 'x'.repeat(2048 - base.length))).toBe('allowed');
	});

	it.each(['https://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://hooks.example.com:8443/a?b=c'])(
		'may be %s',
		async (url) => {
			expect(await attempt(url)).toBe('allowed');
		},
	);

	it('may lead to this machine where WEBHOOKS_ALLOW_LOOPBACK is set, and to no other private address', async () => {
		const local = serviceWith({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
		for (const url of [
			'http://localhost:9000/',
			'http://127.0.0.1:9000/',
			'http://[::1]:9000/',
			'https://localhost/',
		]) {
			expect(await attempt(url, local)).toBe('allowed');
		}
		for (const url of [
			'http://10.0.0.1/',
			'http://hooks.example.com/',
			'https://10.0.0.1/',
			'ftp://localhost/',
		]) {
			expect(await attempt(url, local)).toBe('400 url REFUSED_ADDRESS');
		}
	});

	it('is checked by an update too', async () => {
		const caller = await newCaller();
		const { id } = await createWebhook(caller);
		for (const url of [
			'https://127.1/',
			'https://[::ffff:7f00:1]/',
			'https://a.localhost./',
			'http://8.8.8.8/',
		]) {
			const { status, json } = await caller.call('PATCH', `${WEBHOOKS}/${id}`, { body: { url } });
			expect([status, json.details]).toMatchObject([400, [{ path: 'url', code: 'REFUSED_ADDRESS' }]]);
		}
	});
});

describe('several databases', () => {
	const copies = async (id: string) => {
		const rows = d1s.map((d1) =>
			d1
				.prepare('SELECT url, names, secret, disabled_code FROM webhook_endpoints WHERE id = ?')
				.bind(id)
				.first(),
		);
		return Promise.all(rows);
	};

	it('each have every webhook, as it is now', async () => {
		const caller = await newCaller({ fetcher: serviceWith(FIVE) });
		const { id } = await createWebhook(caller, { events: ['event:a'] });
		const expectCopies = async (expected: object) => {
			expect(await copies(id)).toEqual(Array(5).fill(expect.objectContaining(expected)));
		};
		await expectCopies({ url: PUBLIC_URL, names: '["event:a"]', disabled_code: null });
		await caller.call('PATCH', `${WEBHOOKS}/${id}`, { body: { events: ['event:b'], enabled: false } });
		await expectCopies({ names: '["event:b"]', disabled_code: 'REQUESTED' });
		const { json } = await caller.call('POST', `${WEBHOOKS}/${id}/secret`);
		await expectCopies({ secret: json.secret });
		await caller.call('DELETE', `${WEBHOOKS}/${id}`);
		expect(await copies(id)).toEqual(Array(5).fill(null));
	});

	it('have nothing left of a webhook that was changed while it was deleted', async () => {
		let change: (() => Promise<unknown>) | undefined;
		const main = wrappedD1(env.DB, async ([statement], work) => {
			const first = statement?.sql.startsWith('DELETE FROM webhook_endpoints') ? change : undefined;
			if (first) change = undefined;
			await first?.();
			return work();
		});
		const caller = await newCaller({ fetcher: serviceWith({ ...FIVE, DB: main }) });
		const { id } = await createWebhook(caller);
		// The others have deleted it by then, and get it again by the change.
		change = () => caller.call('PATCH', `${WEBHOOKS}/${id}`, { body: { events: ['event:b'] } });
		expect((await caller.call('DELETE', `${WEBHOOKS}/${id}`)).status).toBe(200);
		expect(await copies(id)).toEqual(Array(5).fill(null));
	});

	it('that do not answer make a 503, and a deletion can be tried again', async () => {
		const silent = faultyD1(env.FURTHER_3);
		const caller = await newCaller({ fetcher: serviceWith({ ...FIVE, DB_3: silent.d1 }) });
		const { id } = await createWebhook(caller);
		silent.next = [{ message: 'D1 DB is overloaded.', when: 'before' }];
		expect((await caller.call('DELETE', `${WEBHOOKS}/${id}`)).status).toBe(503);
		expect((await caller.call('GET', `${WEBHOOKS}/${id}`)).status).toBe(200);
		const withIt = async () => (await copies(id)).map((copy) => copy !== null);
		await expect.poll(withIt, { timeout: 60_000 }).toEqual([true, false, false, true, false]);
		// A run copies twenty, and those of other tests are not of interest.
		await query('DELETE FROM webhook_endpoints WHERE id <> ?', id);
		// As long as the caller sees it, it is owed what happens in each of them.
		await runWebhooks({ ...env, ...FIVE, ...NO_QUEUE }, Date.now(), 1000);
		expect(await copies(id)).toEqual(Array(5).fill(expect.objectContaining({ url: PUBLIC_URL })));
		expect((await caller.call('DELETE', `${WEBHOOKS}/${id}`)).status).toBe(200);
		expect(await copies(id)).toEqual(Array(5).fill(null));
	});
});

it('a key for webhooks alone can be made', async () => {
	const { row } = await newKey({ permissions: ['WEBHOOKS:*'] });
	expect(row.permissions).toBe('WEBHOOKS:*');
});

import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runWebhooks } from '../../src/webhooks/run.ts';
import type { Delivery, DeliveryPage } from '../../src/webhooks/schema.ts';
import { type Caller, newCaller } from '../support/api.ts';
import { query } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { type Answering, isSignedBy, receive } from '../support/receiver.ts';
import { FIVE, travelling } from '../support/several-databases.ts';
import { createWebhook, NO_QUEUE, owing, WEBHOOKS } from '../support/webhooks.ts';

const fetcher = serviceWith(NO_QUEUE);
const SECOND = 1000;
const HOUR = 3_600_000;
/** Runs the scheduled delivery at a time. */
const deliver = (now = Date.now(), bindings = {}) =>
	runWebhooks({ ...env, ...NO_QUEUE, ...bindings }, now, 1000);
/** A time ahead of the clock of this machine, so that a delivery sees no other one. */
const ahead = () => Date.now() + HOUR;
const status =
	(code: number, headers = {}): Answering =>
	() =>
		new Response(null, { status: code, headers });

afterEach(async () => {
	vi.restoreAllMocks();
	vi.useRealTimers();
	await query('DELETE FROM webhook_messages');
	await query('DELETE FROM webhook_endpoints');
});

const deliveries = async (caller: Caller, id: string, search = '') => {
	const { status: code, json } = await caller.call<DeliveryPage>(
		'GET',
		`${WEBHOOKS}/${id}/deliveries${search}`,
	);
	expect(code).toBe(200);
	return json;
};
const stateOf = async (caller: Caller, id: string) => {
	const { json } = await caller.call<{ disabled: { code: string; reason: string } | null }>(
		'GET',
		`${WEBHOOKS}/${id}`,
	);
	return json.disabled;
};

describe('a message that does not arrive', () => {
	it('is tried ten times over 75 hours, each time with the same id, a new time and a valid signature', async () => {
		const received = receive(status(500));
		const { caller, webhook } = await owing(1);
		const started = Date.now();
		const pauses: number[] = [];
		let now = started;
		for (let tries = 1; tries <= 10; tries += 1) {
			await deliver(now);
			const [delivery] = (await deliveries(caller, webhook.id)).data as [Delivery];
			expect(delivery).toMatchObject({
				tries,
				lastStatus: 500,
				lastError: 'STATUS',
				messageId: received[0]?.id,
			});
			expect(received).toHaveLength(tries);
			// Too early for the next one.
			await deliver(now + SECOND);
			expect(received).toHaveLength(tries);
			if (delivery.nextTryAt === null) break;
			pauses.push((Date.parse(delivery.nextTryAt) - now) / SECOND);
			now = Date.parse(delivery.nextTryAt);
		}
		const suggested = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
		expect(pauses).toHaveLength(suggested.length);
		for (const [at, pause] of pauses.entries()) {
			expect(pause).toBeGreaterThanOrEqual((suggested[at] ?? 0) - 0.01);
			expect(pause).toBeLessThanOrEqual((suggested[at] ?? 0) * 1.1 + 5);
		}
		expect(new Set(received.map(({ id }) => id)).size).toBe(1);
		expect(received.every((message) => isSignedBy(webhook.secret, message))).toBe(true);
		await deliver(now + 100 * HOUR);
		expect(received).toHaveLength(10);
		expect(await stateOf(caller, webhook.id)).toBe(null);
	});

	it('arrives at a later try, and is then no longer in the list', async () => {
		let isUp = false;
		const received = receive(() => new Response(null, { status: isUp ? 200 : 404 }));
		const { caller, webhook } = await owing(1);
		await deliver();
		expect((await deliveries(caller, webhook.id)).data).toHaveLength(1);
		isUp = true;
		await deliver(Date.now() + 10 * SECOND);
		expect([received.length, (await deliveries(caller, webhook.id)).data]).toEqual([2, []]);
	});

	it.each([
		['a redirect', status(302, { Location: 'https://other.example.com/' }), 'REDIRECT', 302],
		[
			'a broken connection',
			() => Promise.reject(new TypeError('Network connection lost.')),
			'CONNECTION',
			null,
		],
		[
			'no answer in time',
			() => Promise.reject(new DOMException('The operation timed out.', 'TimeoutError')),
			'TIMEOUT',
			null,
		],
		['another status', status(418), 'STATUS', 418],
	] as [string, Answering, string, number | null][])(
		'because of %s says so',
		async (_, answer, lastError, lastStatus) => {
			const received = receive(answer);
			const { caller, webhook } = await owing(1);
			await deliver();
			expect((await deliveries(caller, webhook.id)).data).toMatchObject([
				{ lastError, lastStatus, tries: 1 },
			]);
			expect(received).toHaveLength(1);
		},
	);

	it('because its address is refused by now is not sent', async () => {
		const received = receive();
		const { caller, webhook } = await owing(1);
		await query("UPDATE webhook_endpoints SET url = 'https://127.0.0.1/' WHERE id = ?", webhook.id);
		await deliver();
		expect(received).toEqual([]);
		expect((await deliveries(caller, webhook.id)).data).toMatchObject([{ lastError: 'REFUSED_ADDRESS' }]);
	});
});

/** The obsolete forms of a date in HTTP, such as `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. */
function rfc850(time: number): string {
	const [, day, month, year, clock] = new Date(time).toUTCString().split(' ');
	const weekday = new Date(time).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' });
	return `${weekday}, ${day}-${month}-${year?.slice(2)} ${clock} GMT`;
}
function asctime(time: number): string {
	const [weekday, day, month, year, clock] = new Date(time).toUTCString().split(' ');
	return `${weekday?.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
}

describe('Retry-After', () => {
	it.each([
		['in seconds', () => '600', 600],
		['as a date', () => new Date(Date.now() + 600 * SECOND).toUTCString(), 600],
		['as a date in the form of RFC 850', () => rfc850(Date.now() + 600 * SECOND), 600],
		['as a date in the form of C', () => asctime(Date.now() + 600 * SECOND), 600],
		['too long', () => '999999999', 86_400],
		['far too long', () => '9'.repeat(40), 86_400],
	])('%s puts off the message and all others of the endpoint', async (_, header, seconds) => {
		let answer = 503;
		const received = receive(
			() => new Response(null, { status: answer, headers: { 'Retry-After': header() } }),
		);
		const { append } = await owing(1);
		const now = Date.now();
		await deliver(now);
		answer = 200;
		await append(3);
		await deliver(now + (seconds - 5) * SECOND);
		expect(received).toHaveLength(1);
		await deliver(now + (seconds + 60) * SECOND);
		expect(received).toHaveLength(5);
	});

	it.each([
		'soon',
		'tomorrow 9999',
		'2099-01-01',
		'2099-01-01T00:00:00Z',
		'Wed 9999',
		'-600',
		'600.5',
		'600, 600',
		'600 seconds',
	])('that is neither a number nor a date has no effect: %s', async (header) => {
		const received = receive(status(500, { 'Retry-After': header }));
		await owing(1);
		await deliver();
		await deliver(Date.now() + 10 * SECOND);
		expect(received).toHaveLength(2);
	});
});

describe('an endpoint that cannot keep up', () => {
	it.each([429, 502, 503, 504])('gets nothing more for a while after %d', async (code) => {
		const received = receive(status(code));
		await owing(10);
		await deliver();
		expect(received).toHaveLength(1);
	});

	it('gets nothing more for a while after it gave no answer in time', async () => {
		const received = receive(() => Promise.reject(new DOMException('timed out', 'TimeoutError')));
		await owing(10);
		await deliver();
		expect(received).toHaveLength(1);
	});

	it('pauses for a tenth of the time for which all has failed, from five seconds to ten minutes', async () => {
		let answer: Answering = status(503);
		const received = receive((...message) => answer(...message));
		await owing(30);
		const start = ahead();
		const tried = async (seconds: number) => {
			received.length = 0;
			await deliver(start + seconds * SECOND);
			return received.length;
		};
		const pausesOf = async (at: number, pause: number) => [
			await tried(at),
			await tried(at + pause - 1),
			await tried(at + pause + 1),
		];
		expect(await pausesOf(0, 5)).toEqual([1, 0, 1]);
		expect(await pausesOf(100, 10)).toEqual([1, 0, 1]);
		expect(await pausesOf(36_000, 600)).toEqual([1, 0, 1]);
		// One that arrives ends that time.
		answer = () => new Response(null, { status: received.length === 1 ? 200 : 503 });
		await tried(40_000);
		answer = status(503);
		expect(await pausesOf(40_006, 5)).toEqual([1, 0, 1]);
	});

	it('does not hold up others', async () => {
		const received = receive(({ url }) =>
			url.includes('hangs') ? new Promise(() => {}) : new Response(null, { status: 200 }),
		);
		const hanging = await owing(3, { url: 'https://hangs.example.com/' });
		await owing(100, { url: 'https://a.example.com/' });
		await owing(100, { url: 'https://b.example.com/' });
		void deliver();
		await expect.poll(() => received.filter(({ url }) => !url.includes('hangs')).length).toBe(200);
		expect(received.filter(({ url }) => url.includes('hangs'))).toHaveLength(1);
		expect((await deliveries(hanging.caller, hanging.webhook.id)).data).toEqual([]);
	});

	it('gets at most four requests at once, and its host at most eight', async () => {
		const underWay = new Map<string, number>();
		const most = new Map<string, number>();
		const count = (name: string, by: number) => {
			underWay.set(name, (underWay.get(name) ?? 0) + by);
			most.set(name, Math.max(most.get(name) ?? 0, underWay.get(name) ?? 0));
		};
		const received = receive(async ({ url }) => {
			for (const name of [url, 'host']) count(name, 1);
			await new Promise((resolve) => setTimeout(resolve, 5));
			for (const name of [url, 'host']) count(name, -1);
			return new Response(null, { status: 200 });
		});
		for (const path of ['a', 'b', 'c', 'd']) await owing(60, { url: `https://one.example.com/${path}` });
		for (let n = 0; n < 20 && received.length < 240; n += 1) await deliver(Date.now() + n * 10 * SECOND);
		expect(received).toHaveLength(240);
		expect(most.get('host')).toBeLessThanOrEqual(8);
		for (const path of ['a', 'b', 'c', 'd'])
			expect(most.get(`https://one.example.com/${path}`)).toBeLessThanOrEqual(4);
	});
});

describe('a webhook is disabled', () => {
	it('by 410, at once, with a reason, and everything that is owed waits until it is enabled', async () => {
		let code = 410;
		const received = receive(() => new Response(null, { status: code }));
		const { caller, webhook, append } = await owing(5);
		await deliver();
		expect(received).toHaveLength(1);
		expect(await stateOf(caller, webhook.id)).toMatchObject({
			code: 'GONE',
			reason: 'The endpoint answered 410 (Gone).',
		});
		await append(1);
		await deliver(Date.now() + HOUR);
		expect(received).toHaveLength(1);
		code = 200;
		await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body: { enabled: true } });
		// Also the one that was answered with 410.
		await deliver();
		expect(received).toHaveLength(6);
		expect((await deliveries(caller, webhook.id)).data).toEqual([]);
	});

	/** Sets the tries of all messages, so that the next one is the last. */
	const makeLastTry = () =>
		query("UPDATE webhook_messages SET tries = 9, next_try_at = '2026-01-01T00:00:00.000Z'");

	it('by 20 messages in a row that failed for good, with a reason', async () => {
		receive(status(500));
		const { caller, webhook } = await owing(20);
		await deliver();
		await query(
			"UPDATE webhook_messages SET tries = 9, next_try_at = '2026-01-01T00:00:00.000Z' WHERE id NOT LIKE '%e0000000020'",
		);
		await deliver(Date.now() + SECOND);
		expect(await stateOf(caller, webhook.id)).toBe(null);
		await query(
			"UPDATE webhook_messages SET tries = 9, next_try_at = '2026-01-01T00:00:00.000Z' WHERE id LIKE '%e0000000020'",
		);
		await deliver(Date.now() + SECOND);
		expect(await stateOf(caller, webhook.id)).toMatchObject({
			code: 'FAILING',
			reason: 'The last tries of 20 messages in a row failed. The latest one was answered with 500.',
		});
	});

	it('not by 20 that failed with a success between them', async () => {
		let code = 500;
		receive(() => new Response(null, { status: code }));
		const { caller, webhook, append } = await owing(19);
		await makeLastTry();
		await deliver();
		code = 200;
		await append(1);
		await deliver();
		code = 500;
		await append(19);
		await query("UPDATE webhook_messages SET tries = 9 WHERE next_try_at <> 'never'");
		await deliver();
		expect(await stateOf(caller, webhook.id)).toBe(null);
		expect((await deliveries(caller, webhook.id, '?limit=100')).data).toHaveLength(38);
	});

	it('by a message that waits for five days in which nothing arrived, with a reason', async () => {
		const received = receive(status(503));
		const { caller, webhook } = await owing(3);
		const now = ahead();
		await deliver(now);
		await deliver(now + 119 * HOUR);
		expect(await stateOf(caller, webhook.id)).toBe(null);
		await deliver(now + 121 * HOUR);
		expect(await stateOf(caller, webhook.id)).toMatchObject({
			code: 'FAILING',
			reason: `Nothing has arrived since ${new Date(now).toISOString()}. The latest message was answered with 503.`,
		});
		expect(received).toHaveLength(3);
		await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body: { enabled: true } });
		await deliver(now + 122 * HOUR);
		expect(await stateOf(caller, webhook.id)).toBe(null);
	});

	it('not by such a message when another one has arrived, nor by one of today when those before failed long ago', async () => {
		let code = 503;
		receive(() => new Response(null, { status: code }));
		const { caller, webhook } = await owing(3);
		const now = ahead();
		await deliver(now);
		code = 200;
		await query("UPDATE webhook_messages SET next_try_at = '9' WHERE id NOT LIKE '%e0000000002'");
		await deliver(now + 119 * HOUR);
		code = 503;
		await query("UPDATE webhook_messages SET next_try_at = '2026-01-01T00:00:00.000Z'");
		await deliver(now + 121 * HOUR);
		expect(await stateOf(caller, webhook.id)).toBe(null);
		const monthAgo = new Date(now - 720 * HOUR).toISOString();
		await query('UPDATE webhook_endpoints SET failing_since = ?, resume_at = NULL', monthAgo);
		await deliver(now);
		expect(await stateOf(caller, webhook.id)).toBe(null);
	});

	describe('by more than 100,000 messages that wait', () => {
		/** So many messages that are due since a time, for a webhook that was changed at a time. */
		const waiting = async (count: number, { dueFor = 13 * HOUR, changedFor = 13 * HOUR } = {}) => {
			const { caller, webhook, session } = await owing(0);
			const ago = (time: number) => new Date(Date.now() - time).toISOString();
			await query('UPDATE webhook_endpoints SET updated_at = ?', ago(changedFor));
			await query(
				`INSERT INTO webhook_messages (endpoint_id, next_try_at, id, type, created_at, session_id, status, version)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
				SELECT ?2, ?3, printf('msg_x_e%010d', i), 'event:a', ?3, ?4, 'intake', 1 FROM n`,
				...[count, webhook.id, ago(dueFor), session],
			);
			await deliver(Date.now(), { WEBHOOK_QUEUE: { sendBatch: () => Promise.resolve() } });
			return stateOf(caller, webhook.id);
		};

		it('the first of them for twelve hours, with a reason', async () => {
			expect(await waiting(100_001)).toMatchObject({
				code: 'FAILING',
				reason:
					'More than 100,000 messages wait, because the endpoint takes them more slowly than they are made.',
			});
		});

		it('not by fewer, nor by those of less time, nor within that time after a change', async () => {
			expect(await waiting(100_000)).toBe(null);
			await query('DELETE FROM webhook_messages');
			expect(await waiting(100_001, { dueFor: 11 * HOUR })).toBe(null);
			await query('DELETE FROM webhook_messages');
			expect(await waiting(100_001, { changedFor: 11 * HOUR })).toBe(null);
		});
	});

	it('not by the answer of an address that it no longer has', async () => {
		const { caller, webhook, append } = await owing(1);
		const received = receive(async ({ url }) => {
			if (url.includes('new')) return new Response(null, { status: 200 });
			const body = { url: 'https://new.example.com/' };
			await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body });
			return new Response(null, { status: 410 });
		});
		await deliver();
		expect(await stateOf(caller, webhook.id)).toBe(null);
		await append(1);
		await deliver(Date.now() + HOUR);
		expect(received.map(({ url }) => new URL(url).host)).toEqual([
			'hooks.example.com',
			...['new.example.com', 'new.example.com'],
		]);
	});

	it('in every database', async () => {
		receive(status(410));
		const caller = await newCaller({ fetcher: travelling({ ...FIVE, ...NO_QUEUE }) });
		const { id } = await createWebhook(caller);
		await caller.create();
		await deliver(Date.now(), FIVE);
		for (const d1 of [env.DB, env.FURTHER_1, env.FURTHER_2, env.FURTHER_3, env.FURTHER_4]) {
			const row = await d1
				.prepare('SELECT disabled_code FROM webhook_endpoints WHERE id = ?')
				.bind(id)
				.first();
			expect(row).toEqual({ disabled_code: 'GONE' });
			await d1.batch([
				d1.prepare('DELETE FROM webhook_messages'),
				d1.prepare('DELETE FROM webhook_endpoints'),
			]);
		}
	});
});

describe('a delivery under way', () => {
	/** An endpoint with 20 messages, where each request takes a second and the first one changes the webhook. */
	const changedBy = async (change: (caller: Caller, path: string) => Promise<unknown>) => {
		vi.useFakeTimers({ toFake: ['Date'] });
		const { caller, webhook } = await owing(20, { url: 'https://old.example.com/' });
		const received = receive(async () => {
			if (received.length === 1) await change(caller, `${WEBHOOKS}/${webhook.id}`);
			vi.setSystemTime(Date.now() + SECOND);
			return new Response(null, { status: 200 });
		});
		await deliver();
		return { received, webhook, left: await query('SELECT id FROM webhook_messages') };
	};

	it('ends soon after its webhook was deleted', async () => {
		const { received, left } = await changedBy((caller, path) => caller.call('DELETE', path));
		expect([received.length, left.length]).toEqual([1, 19]);
	});

	it('ends soon after its webhook was disabled', async () => {
		const { received, left } = await changedBy((caller, path) =>
			caller.call('PATCH', path, { body: { enabled: false } }),
		);
		expect([received.length, left.length]).toEqual([1, 19]);
	});

	it('goes on soon to another address', async () => {
		const { received, left } = await changedBy((caller, path) =>
			caller.call('PATCH', path, { body: { url: 'https://new.example.com/' } }),
		);
		const hosts = received.map(({ url }) => new URL(url).host);
		expect(hosts).toEqual(['old.example.com', ...Array(19).fill('new.example.com')]);
		expect(left).toEqual([]);
	});

	it('signs soon by a new secret too', async () => {
		let rotated = '';
		const { received, left } = await changedBy(async (caller, path) => {
			rotated = String((await caller.call('POST', `${path}/secret`)).json.secret);
		});
		expect(received).toHaveLength(20);
		expect(received.filter((message) => isSignedBy(rotated, message))).toHaveLength(19);
		expect(left).toEqual([]);
	});
});

describe('two deliveries at once', () => {
	it('send each message once', async () => {
		const received = receive();
		await owing(200);
		await Promise.all(Array.from({ length: 4 }, () => deliver()));
		expect([received.length, new Set(received.map(({ id }) => id)).size]).toEqual([200, 200]);
	});

	it('that end before they could store what happened send the message again, with the same id', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		const received = receive();
		await owing(1);
		const faulty = faultyD1();
		const broken = { message: 'D1_ERROR: Internal bug.', when: 'before' } as const;
		// The list and the taking of the messages succeed.
		faulty.next = [null, null, broken];
		await deliver(Date.now(), { DB: faulty.d1 });
		expect(received).toHaveLength(1);
		await deliver(Date.now() + 60 * SECOND);
		expect(received).toHaveLength(1);
		await deliver(Date.now() + 180 * SECOND);
		expect(received).toHaveLength(2);
		expect(received[0]?.id).toBe(received[1]?.id);
		await deliver(Date.now() + HOUR);
		expect(received).toHaveLength(2);
	});
});

describe('the secret of a webhook', () => {
	it('signs beside the new one for 24 hours', async () => {
		const received = receive();
		const { caller, webhook, append } = await owing(1);
		const rotate = async () => {
			const { json } = await caller.call('POST', `${WEBHOOKS}/${webhook.id}/secret`);
			return String(json.secret);
		};
		const second = await rotate();
		await deliver();
		const signers = () =>
			[webhook.secret, second].map((secret) => isSignedBy(secret, received.at(-1) as never));
		expect(signers()).toEqual([true, true]);
		await query("UPDATE webhook_endpoints SET previous_secret_until = '2026-01-01T00:00:00.000Z'");
		await append(1);
		await deliver();
		expect(signers()).toEqual([false, true]);
	});
});

describe('the list of deliveries', () => {
	it('is in pages, newest first, over all databases', async () => {
		receive(status(500));
		const caller = await newCaller({ fetcher: travelling({ ...FIVE, ...NO_QUEUE }) });
		const { id } = await createWebhook(caller, { events: ['event:*'] });
		const appended: string[] = [];
		for (let n = 0; n < 5; n += 1) {
			const session = await caller.create();
			for (let m = 0; m < 5; m += 1) appended.push((await caller.append(session.id, { type: 'a' })).id);
		}
		await deliver(Date.now(), FIVE);
		const listed: Delivery[] = [];
		let before = '';
		for (let more = true; more; ) {
			const page = await deliveries(caller, id, `?limit=7${before}`);
			listed.push(...page.data);
			before = `&before=${page.data.at(-1)?.id}`;
			more = page.hasMore;
		}
		expect(listed).toHaveLength(25);
		expect(new Set(listed.map(({ eventId }) => eventId))).toEqual(new Set(appended));
		const times = listed.map(({ createdAt }) => createdAt);
		expect(times).toEqual(times.toSorted().reverse());
		for (const d1 of [env.FURTHER_1, env.FURTHER_2, env.FURTHER_3, env.FURTHER_4]) {
			await d1.batch([
				d1.prepare('DELETE FROM webhook_messages'),
				d1.prepare('DELETE FROM webhook_endpoints'),
			]);
		}
	});

	it('rejects what is no id of a delivery', async () => {
		const { caller, webhook } = await owing(0);
		const { status: code } = await caller.call('GET', `${WEBHOOKS}/${webhook.id}/deliveries?before=msg_1`);
		expect(code).toBe(400);
		for (const id of ['msg_1', 'dlv_1768469400000_01k2vxq8f3e7ttyyds0t6w2h4b_v7']) {
			const answer = await caller.call('POST', `${WEBHOOKS}/${webhook.id}/deliveries/${id}/retry`);
			expect(answer.status).toBe(404);
		}
	});

	it('shows a caller nothing of the webhooks of others, and lets it send nothing again', async () => {
		const received = receive(status(500));
		const { caller, webhook, session } = await owing(1);
		await deliver();
		const [delivery] = (await deliveries(caller, webhook.id)).data;
		const stranger = await newCaller({ fetcher });
		const own = await createWebhook(stranger);
		const calls = [
			['GET', `/${webhook.id}/deliveries`],
			['POST', `/${webhook.id}/deliveries/${delivery?.id}/retry`],
			['POST', `/${own.id}/deliveries/${delivery?.id}/retry`],
			['POST', `/${webhook.id}/replay`],
			['POST', `/${webhook.id}/test`],
		] as const;
		for (const [method, path] of calls) {
			const body = path.endsWith('replay') ? { body: { since: '2020-01-01T00:00:00Z' } } : {};
			const answer = await stranger.call(method, WEBHOOKS + path, body);
			expect([path, answer.status]).toEqual([path, 404]);
			expect(answer.text).not.toContain(session);
		}
		expect(received).toHaveLength(1);
	});

	it('forgets what had its last try and happened more than seven days ago, and the messages of a deleted webhook', async () => {
		receive(status(500));
		const { caller, webhook } = await owing(3);
		const other = await owing(3);
		await query('UPDATE webhook_messages SET tries = 9');
		await deliver();
		await other.caller.call('DELETE', `${WEBHOOKS}/${other.webhook.id}`);
		await deliver(Date.now() + SECOND);
		expect(await query('SELECT DISTINCT endpoint_id FROM webhook_messages')).toEqual([
			{ endpoint_id: webhook.id },
		]);
		await deliver(Date.now() + 169 * HOUR);
		expect((await deliveries(caller, webhook.id)).data).toEqual([]);
		expect(await query('SELECT 1 FROM webhook_messages')).toEqual([]);
	});

	it('keeps what waits for a further try, however long ago it happened', async () => {
		let code = 500;
		const received = receive(() => new Response(null, { status: code }));
		const { caller, webhook } = await owing(3);
		await query("UPDATE webhook_messages SET created_at = '2026-01-01T00:00:00.000Z'");
		await deliver();
		await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body: { enabled: false } });
		await deliver(Date.now() + 167 * HOUR);
		await caller.call('PATCH', `${WEBHOOKS}/${webhook.id}`, { body: { enabled: true } });
		code = 200;
		await deliver(Date.now() + 167 * HOUR);
		expect(received).toHaveLength(6);
		expect((await deliveries(caller, webhook.id)).data).toEqual([]);
	});
});

describe.each([
	[
		'a retry',
		async (caller: Caller, id: string) => {
			const [delivery] = (await deliveries(caller, id)).data;
			return caller.call('POST', `${WEBHOOKS}/${id}/deliveries/${delivery?.id}/retry`);
		},
	],
	[
		'a replay',
		(caller: Caller, id: string) =>
			caller.call('POST', `${WEBHOOKS}/${id}/replay`, { body: { since: '2026-01-01T00:00:00Z' } }),
	],
])('%s', (_, sendAgain) => {
	it('leaves alone what is under way, so that it is sent once', async () => {
		let answer: Answering = status(500);
		const received = receive((...message) => answer(...message));
		const { caller, webhook } = await owing(1);
		await deliver();
		answer = async () => {
			expect((await sendAgain(caller, webhook.id)).status).toBe(202);
			return new Response(null, { status: 200 });
		};
		await deliver(Date.now() + 10 * SECOND);
		await deliver(Date.now() + 20 * SECOND);
		expect(received).toHaveLength(2);
		expect((await deliveries(caller, webhook.id)).data).toEqual([]);
	});

	it('ends the long pause that the endpoint asked for, for all that waits', async () => {
		let answer: Answering = status(503, { 'Retry-After': '86400' });
		const received = receive((...message) => answer(...message));
		const { caller, webhook, append } = await owing(3);
		await deliver();
		await append(2);
		answer = status(200);
		await deliver(Date.now() + HOUR);
		expect(received).toHaveLength(1);
		expect((await sendAgain(caller, webhook.id)).status).toBe(202);
		await deliver(Date.now() + HOUR);
		expect(received).toHaveLength(6);
	});
});

describe('a replay', () => {
	it('sends all again that failed since a time, once', async () => {
		let code = 500;
		const received = receive(() => new Response(null, { status: code }));
		const { caller, webhook, append } = await owing(30);
		const hourAgo = new Date(Date.now() - HOUR).toISOString();
		await query('UPDATE webhook_messages SET created_at = ?', hourAgo);
		await append(50);
		await query('UPDATE webhook_messages SET tries = 9');
		await query('UPDATE webhook_endpoints SET failed_in_a_row = -1000');
		for (let n = 0; n < 3; n += 1) await deliver();
		const ids = new Set(received.slice(30).map(({ id }) => id));
		received.length = 0;
		code = 200;
		const since = new Date(Date.now() - HOUR / 2).toISOString();
		const replay = async (since: string) => {
			const answer = await caller.call('POST', `${WEBHOOKS}/${webhook.id}/replay`, { body: { since } });
			expect(answer.status).toBe(202);
			return answer.json;
		};
		expect(await replay(since)).toEqual({ count: 50, goesOnFrom: null });
		for (let n = 0; n < 3; n += 1) await deliver();
		expect(new Set(received.map(({ id }) => id))).toEqual(ids);
		expect(received).toHaveLength(50);
		expect(await replay(since)).toEqual({ count: 0, goesOnFrom: null });
		expect((await deliveries(caller, webhook.id, '?limit=100')).data).toHaveLength(30);
	});

	it.each([
		['goes on in further calls where there is more than one call makes due', 'i / 10', 3],
		['makes all due that happened in one millisecond, because a time cannot say where to go on', '0', 1],
	])('%s', async (_, millisecond, most) => {
		receive(status(500));
		const { caller, webhook, session } = await owing(1);
		await query('DELETE FROM webhook_messages');
		await query(
			`INSERT INTO webhook_messages (endpoint_id, next_try_at, id, type, created_at, session_id, status, version, tries)
			WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
			SELECT ?1, 'never', printf('msg_x_e%010d', i), 'event:a', printf('2026-01-01T00:00:00.%03dZ', ${millisecond}), ?2,
				'intake', 1, 10 FROM n`,
			webhook.id,
			session,
		);
		let [total, calls] = [0, 0];
		for (let since: string | null = '2026-01-01T00:00:00Z'; since && calls < 10; calls += 1) {
			const { json }: { json: Record<string, unknown> } = await caller.call(
				'POST',
				`${WEBHOOKS}/${webhook.id}/replay`,
				{ body: { since } },
			);
			total += Number(json.count);
			since = json.goesOnFrom as string | null;
		}
		expect([total, calls]).toEqual([2500, most]);
	});
});

describe('a test', () => {
	it('sends a signed message now, and says how that went', async () => {
		let code = 200;
		const received = receive(() => new Response(null, { status: code }));
		const { caller, webhook } = await owing(0);
		const test = async () => (await caller.call('POST', `${WEBHOOKS}/${webhook.id}/test`)).json;
		expect(await test()).toEqual({
			delivered: true,
			durationMs: expect.any(Number),
			error: null,
			id: received[0]?.id,
			status: 200,
		});
		expect(isSignedBy(webhook.secret, received[0] as never)).toBe(true);
		expect(received[0]?.body).toMatchObject({ type: 'webhook.test', data: { webhookId: webhook.id } });
		code = 500;
		expect(await test()).toMatchObject({ delivered: false, error: 'STATUS', status: 500 });
		await deliver(Date.now() + HOUR);
		expect(received).toHaveLength(2);
	});
});

describe('tests at once', () => {
	it('are at most four of a caller for one host, and others a 429', async () => {
		const release: (() => void)[] = [];
		const received = receive(
			() => new Promise((resolve) => release.push(() => resolve(new Response(null, { status: 200 })))),
		);
		const { caller, webhook } = await owing(0, { url: 'https://busy.example.com/' });
		const test = () => caller.call('POST', `${WEBHOOKS}/${webhook.id}/test`);
		const tests = Array.from({ length: 5 }, test);
		expect((await Promise.race(tests)).status).toBe(429);
		expect(received).toHaveLength(4);
		for (const end of release) end();
		expect((await Promise.all(tests)).filter((answer) => answer.status === 200)).toHaveLength(4);
	});
});

describe('the log', () => {
	it('has no secret, no URL and no message of the network', async () => {
		const lines: string[] = [];
		for (const level of ['info', 'warn', 'error'] as const) {
			vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)));
		}
		let answer: Answering = status(500);
		receive((...received) => answer(...received));
		const { caller, webhook } = await owing(2, { url: 'https://hooks.example.com/token-in-the-path' });
		await deliver();
		answer = () => Promise.reject(new Error('cannot reach hooks.example.com/token-in-the-path'));
		await deliver(Date.now() + 10 * SECOND);
		await caller.call('POST', `${WEBHOOKS}/${webhook.id}/secret`);
		await caller.call('POST', `${WEBHOOKS}/${webhook.id}/test`);
		const text = lines.join('\n');
		expect(text).toContain(webhook.id);
		for (const secret of ['whsec_', webhook.secret, 'token-in-the-path', 'hooks.example.com']) {
			expect(text).not.toContain(secret);
		}
	});
});

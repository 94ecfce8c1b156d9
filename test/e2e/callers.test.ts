import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { boundNumbers, databaseName } from '../../src/core/placement-setting.ts';
import { runHere } from '../support/run-here.ts';
import { type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';
const WEBHOOKS = '/v1/webhooks';
const OPEN_D1 = '../../scripts/open-d1.ts';
const WRANGLER = '../../scripts/wrangler.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer({ KEY_CACHE_SECONDS: '0' }, undefined, 3);
	const bindings = boundNumbers(server.env).map(databaseName);
	// The command opens the databases while the server has them open.
	vi.doMock(OPEN_D1, async (original) => ({
		...(await original<object>()),
		applyLocalMigrations: () => {},
		openD1s: async () => ({
			d1s: new Map(bindings.map((binding) => [binding, server.env[binding]])),
			close: async () => {},
		}),
	}));
	vi.doMock(WRANGLER, async (original) => ({
		...(await original<object>()),
		configuredDatabases: async () => bindings.map((binding) => ({ binding, name: binding })),
	}));
});
afterAll(async () => {
	vi.doUnmock(OPEN_D1);
	vi.doUnmock(WRANGLER);
	await server?.close();
});

const callers = (...args: string[]) => runHere(() => import('../../scripts/callers.ts'), ...args);

/** Runs a command with --json. Standard output must be one line of JSON. */
async function json<T>(...args: string[]): Promise<T> {
	const { status, stdout, stderr } = await callers(...args, '--json');
	expect([status, stderr]).toEqual([0, '']);
	expect(stdout.trimEnd()).not.toContain('\n');
	return JSON.parse(stdout) as T;
}

async function call(key: string, method: string, path: string, body?: unknown, base = SESSIONS) {
	const response = await fetch(server.url + base + path, {
		method,
		headers: {
			Authorization: key,
			'Content-Type': 'application/json',
			Connection: 'close',
			'Idempotency-Key': crypto.randomUUID(),
		},
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	return { status: response.status, json: (await response.json()) as { id: string } };
}

/** A caller with two keys and some sessions, each with events of 100 bytes. */
async function newCaller(userId: string, organizationId: string | null, { sessions = 2, events = 2 } = {}) {
	const key = await server.newKey({ userId, organizationId });
	await server.newKey({ userId, organizationId });
	for (let n = 0; n < sessions; n += 1) {
		const { json: session } = await call(key, 'POST', '', { prd: { a: 1 } });
		const step = { events: Array.from({ length: events }, () => ({ type: 'a', message: 'x'.repeat(97) })) };
		expect((await call(key, 'POST', `/${session.id}/steps`, step)).status).toBe(201);
	}
	return key;
}

describe('npm run callers -- show', () => {
	it('shows what one caller has in all databases', async () => {
		const key = await newCaller('user_show', 'org_1');
		const webhook = { url: 'https://hooks.example.com/', events: ['event:*'] };
		await call(key, 'POST', '', webhook, WEBHOOKS);
		const { json: second } = await call(key, 'POST', '', webhook, WEBHOOKS);
		await call(key, 'PATCH', `/${second.id}`, { enabled: false }, WEBHOOKS);
		await newCaller('user_show', null, { sessions: 1 });
		expect(await json('show', 'user_show', '--org', 'org_1')).toEqual({
			userId: 'user_show',
			organizationId: 'org_1',
			sessions: 2,
			liveSessions: 2,
			events: 4,
			bytes: 2 * 7 + 4 * 100,
			keys: 2,
			activeKeys: 2,
			webhooks: 2,
			enabledWebhooks: 1,
			lastUseAt: expect.stringMatching(/^\d{4}-/),
		});
		expect(await json('show', 'user_show')).toMatchObject({ sessions: 1, keys: 2 });
		expect(await json('show', 'user_nobody')).toMatchObject({ sessions: 0, keys: 0, lastUseAt: null });
	});
});

describe('npm run callers -- list', () => {
	it('shows the callers that store the most, the largest first', async () => {
		await newCaller('user_small', null, { sessions: 3, events: 1 });
		await newCaller('user_large', null, { sessions: 1, events: 90 });
		const listed = await json<{ userId: string }[]>('list');
		const names = listed.map(({ userId }) => userId);
		expect(names[0]).toBe('user_large');
		expect(names.indexOf('user_small')).toBeGreaterThan(0);
		const { stdout } = await callers('list');
		expect(stdout).toMatch(
			/^CALLER +SESSIONS +LIVE +EVENTS +MB +KEYS +ACTIVE +WEBHOOKS +ENABLED +LAST USE\nuser_large +1 +1 +90 /,
		);
	});
});

describe('npm run callers -- purge', () => {
	it('deletes the keys, webhooks and sessions of one caller and of no other, and can be run again', async () => {
		const key = await newCaller('user_gone', 'org_1', { sessions: 5 });
		const other = await newCaller('user_gone', 'org_2');
		for (const caller of [key, key, other]) {
			await call(
				caller,
				'POST',
				'',
				{ url: 'https://hooks.example.com/', events: ['session.expired'] },
				WEBHOOKS,
			);
		}
		const d1s = boundNumbers(server.env).flatMap((number) => server.env[databaseName(number)] ?? []);
		// Messages that wait, and some that had their last try.
		for (const d1 of d1s) {
			await d1
				.prepare(
					`INSERT INTO webhook_messages (endpoint_id, next_try_at, id, type, created_at, session_id, status, version)
					SELECT webhook_endpoints.id, iif(value % 2, '9999', 'never'), 'msg_' || value, 'event:a', '2026', 'sess_1', 'intake', 1
					FROM webhook_endpoints, json_each(?) WHERE user_id = 'user_gone'`,
				)
				.bind(JSON.stringify(Array.from({ length: 1200 }, (_, n) => n)))
				.run();
		}
		const first = await json('purge', 'user_gone', '--org', 'org_1', '--yes');
		expect(first).toMatchObject({
			deleted: { keys: 2, webhooks: 2, messages: 2400 * d1s.length, sessions: 5, events: 10 },
		});
		expect((await call(key, 'GET', '')).status).toBe(401);
		expect(await json('show', 'user_gone', '--org', 'org_1')).toMatchObject({
			sessions: 0,
			events: 0,
			keys: 0,
		});
		for (const d1 of d1s) {
			const owed = await d1.prepare('SELECT count(*) AS n FROM webhook_messages').first('n');
			expect(owed).toBe(1200);
			for (const table of ['sessions', 'api_keys', 'create_keys', 'webhook_endpoints']) {
				const left = await d1
					.prepare(`SELECT count(*) AS n FROM ${table} WHERE user_id = ? AND organization_id = ?`)
					.bind('user_gone', 'org_1')
					.first('n');
				expect([table, left]).toEqual([table, 0]);
			}
		}
		expect(await json('purge', 'user_gone', '--org', 'org_1', '--yes')).toMatchObject({
			deleted: { keys: 0, webhooks: 0, messages: 0, sessions: 0, events: 0, notes: 0 },
		});
		expect((await call(other, 'GET', '')).status).toBe(200);
		expect(await json('show', 'user_gone', '--org', 'org_2')).toMatchObject({
			sessions: 2,
			keys: 2,
			webhooks: 1,
		});
	});

	it('deletes at most 4 MB at once, because nobody else is served meanwhile', async () => {
		await newCaller('user_heavy', null, { sessions: 3, events: 90 });
		for (const number of boundNumbers(server.env)) {
			await server.env[databaseName(number)]
				?.prepare(
					`UPDATE events SET payload = ?1, bytes_so_far = position * 60000
					WHERE session_id IN (SELECT id FROM sessions WHERE user_id = 'user_heavy')`,
				)
				.bind(JSON.stringify({ text: 'x'.repeat(59_989) }))
				.run();
		}
		const { stdout } = await callers('purge', 'user_heavy', '--yes');
		const counts = [
			0,
			...Array.from(stdout.matchAll(/and (\d+) events so far/g), ([, count]) => Number(count)),
		];
		const chunks = counts.slice(1).map((count, at) => count - (counts[at] ?? 0));
		expect(chunks.reduce((all, count) => all + count, 0)).toBe(270);
		expect(Math.max(...chunks)).toBeLessThanOrEqual(4_000_000 / 60_000 + 1);
	});

	it('says what it does', async () => {
		await newCaller('user_told', null, { sessions: 1 });
		const { stdout } = await callers('purge', 'user_told', '--yes');
		expect(stdout).toMatch(
			/Deleted of user_told: 2 keys, 0 webhooks, 0 of their messages, 1 sessions, 2 events, 0 earlier versions, \d+ notes/,
		);
		expect(stdout).toContain('KEY_CACHE_SECONDS');
	});

	it.each([
		['the id of the user', 'user_asked\n', 0, 0],
		['something else', 'y\n', 1, 1],
		['nothing', '', 1, 1],
	])('asks first, and goes on only with the id of the user: %s', async (_, answer, status, left) => {
		await json('purge', 'user_asked', '--yes');
		await newCaller('user_asked', null, { sessions: 1 });
		const input = new PassThrough();
		input.end(answer);
		const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
		const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
		const result = await callers('purge', 'user_asked');
		expect(stderr.mock.calls.join('')).toContain(
			'This deletes 1 sessions with 2 events, 2 keys and 0 webhooks of user_asked',
		);
		stdin.mockRestore();
		stderr.mockRestore();
		expect(result.status).toBe(status);
		if (status === 1) expect(result.stderr).toContain('Nothing was deleted.');
		expect(await json('show', 'user_asked')).toMatchObject({ sessions: left });
	});
});

describe('npm run callers', () => {
	it.each([
		[[], 'Missing command.'],
		[['remove', 'user_1'], 'Unknown command: remove.'],
		[['show'], 'show needs the id of a user.'],
		[['purge', ' ', '--yes'], 'purge needs the id of a user.'],
		[['show', 'user_1', 'user_2'], 'show does not take the argument "user_2".'],
		[['list', 'user_1'], 'list does not take the argument "user_1".'],
		[['list', '--yes'], 'list does not take --yes.'],
		[['list', '--org', 'o'], 'list does not take --org.'],
		[['purge', 'user_1', '--org', ''], '--org takes the id of an organization.'],
	])('%j is refused', async (args, message) => {
		const { status, stderr } = await callers(...args);
		expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
	});
});

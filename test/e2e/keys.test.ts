import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runHere } from '../support/run-here.ts';
import { npmRun, ROOT, type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';

const OPEN_D1 = '../../scripts/open-d1.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer({ KEY_CACHE_SECONDS: '0' });
	// The command opens the database while the server has it open.
	vi.doMock(OPEN_D1, async (original) => ({
		...(await original<object>()),
		openD1: async () => ({ d1: server.env.DB, close: async () => {} }),
	}));
});
afterAll(async () => {
	vi.doUnmock(OPEN_D1);
	await server?.close();
});

const keys = (...args: string[]) => runHere(() => import('../../scripts/keys.ts'), ...args, '--local');

interface Created {
	id: string;
	key: string;
	userId: string;
	organizationId: string | null;
	permissions: string[];
	environment: string;
	expiresAt: string | null;
}
interface Listed {
	id: string;
	state: string;
	expiresAt: string | null;
	lastUsedAt: string | null;
}

/** Runs a command with --json. Standard output must be one line of JSON. */
async function json<T>(...args: string[]): Promise<T> {
	const { status, stdout, stderr } = await keys(...args, '--json');
	expect([status, stderr]).toEqual([0, '']);
	expect(stdout.trimEnd()).not.toContain('\n');
	return JSON.parse(stdout) as T;
}
const create = (...args: string[]) => json<Created>('create', ...args);
const find = async (id: string) => (await json<Listed[]>('list')).find((each) => each.id === id);
/** Uses a new connection for each request, because an idle one closes while a command blocks this process. */
async function statusWith(key: string, method = 'GET'): Promise<number> {
	const headers = { Authorization: `Bearer ${key}`, Connection: 'close' };
	const response = await fetch(server.url + SESSIONS, { method, headers });
	await response.arrayBuffer();
	return response.status;
}

describe('npm run keys', () => {
	it('creates a key that works, with each permission once, and prints one object with seven members', async () => {
		const from = Date.now();
		const made = await create(
			...['--user', 'user_1', '--org', 'org_1', '--name', 'ci', '--environment', 'test'],
			...['--permissions', 'PRODUCTS:WRITE, PRODUCTS:READ,PRODUCTS:WRITE', '--expires-in', '90d'],
		);
		expect(Object.keys(made)).toEqual([
			'id',
			'key',
			'userId',
			'organizationId',
			'permissions',
			'environment',
			'expiresAt',
		]);
		expect(made).toMatchObject({
			id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
			key: expect.stringMatching(/^rt_test_[0-9a-f]{72}$/),
			userId: 'user_1',
			organizationId: 'org_1',
			permissions: ['PRODUCTS:READ', 'PRODUCTS:WRITE'],
			environment: 'test',
		});
		const days = (Date.parse(made.expiresAt ?? '') - from) / 86_400_000;
		expect(Math.round(days)).toBe(90);
		expect([await statusWith(made.key), await statusWith(made.key, 'POST')]).toEqual([200, 201]);
	});

	it('creates a live key that does not expire, for all of PRODUCTS, by default', async () => {
		expect(await create('--user', 'user_2')).toMatchObject({
			key: expect.stringMatching(/^rt_live_/),
			organizationId: null,
			permissions: ['PRODUCTS:*'],
			environment: 'live',
			expiresAt: null,
		});
	});

	it('lists the keys without their secrets', async () => {
		const { id, key } = await create('--user', 'user_3', '--name', 'laptop');
		await statusWith(key);
		const table = await keys('list');
		const line = table.stdout.split('\n').find((each) => each.startsWith(id));
		expect(line).toMatch(/^key_\w+ +rt_live_[0-9a-f]{8} +user_3 +laptop +PRODUCTS:\* +\S+Z? +active$/);
		const listed = await json<Listed[]>('list');
		for (const text of [table.stdout, JSON.stringify(listed)]) expect(text).not.toContain(key.slice(17));
		expect(listed.find((each) => each.id === id)).toMatchObject({
			userId: 'user_3',
			name: 'laptop',
			state: 'active',
			revokedAt: null,
		});
	});

	it('revokes a key, which then stops working', async () => {
		const { id, key } = await create('--user', 'user_4');
		expect(await statusWith(key)).toBe(200);
		expect(await json('revoke', id)).toEqual({ id, revoked: true });
		expect(await statusWith(key)).toBe(401);
		const first = await find(id);
		expect(first?.state).toBe('revoked');
		expect((await keys('revoke', id)).status).toBe(0);
		expect(await find(id)).toEqual(first);
	});

	it('rotates a key: the new key works and the old key stops at once', async () => {
		const old = await create('--user', 'user_5', '--org', 'org_5', '--permissions', 'PRODUCTS:READ');
		const made = await json<Created>('rotate', old.id);
		expect(made).toEqual({ ...old, id: made.id, key: made.key });
		expect([made.id === old.id, made.key === old.key]).toEqual([false, false]);
		expect([await statusWith(made.key), await statusWith(old.key)]).toEqual([200, 401]);
		expect((await find(old.id))?.state).toBe('expired');
	});

	it('rotates a key with --grace: both keys work, and the old one stops at the end of the grace period', async () => {
		const old = await create('--user', 'user_6');
		const from = Date.now();
		const made = await json<Created>('rotate', old.id, '--grace', '24h');
		expect([await statusWith(made.key), await statusWith(old.key)]).toEqual([200, 200]);
		const hours = (Date.parse((await find(old.id))?.expiresAt ?? '') - from) / 3_600_000;
		expect([Math.round(hours), made.expiresAt]).toEqual([24, null]);
	});

	it('does not extend the life of a key that expires within the grace period', async () => {
		const old = await create('--user', 'user_7', '--expires-in', '1h');
		const { stdout } = await keys('rotate', old.id, '--grace', '24h');
		expect(stdout).toContain(`${old.id} works until ${old.expiresAt}.`);
		expect((await find(old.id))?.expiresAt).toBe(old.expiresAt);
	});

	it.each([
		[['create'], 'create needs --user:'],
		[['create', '--user', ''], '--user takes 1 to 255 characters.'],
		[['create', '--user', 'u', '--permissions', 'PRODUCTS:ADMIN'], '"PRODUCTS:ADMIN" is not a permission.'],
		[['create', '--user', 'u', '--environment', 'staging'], '--environment takes live or test.'],
		[['create', '--user', 'u', '--expires-in', 'soon'], '--expires-in: "soon" is not a duration.'],
		[['create', '--user', 'u', '--expires-in', '-1d'], '--expires-in'],
		[['create', '--user', 'u', '--expires-in', '0d'], '--expires-in 0d makes a key that never works.'],
		[['create', '--user', 'u', '--grace', '1h'], 'create does not take --grace.'],
		[['create', 'user_1'], 'create does not take the argument "user_1".'],
		[['create', '--user', 'u', '--admin'], '--admin'],
		[['list', '--user', 'u'], 'list does not take --user.'],
		[['revoke'], 'revoke needs the ID of a key.'],
		[['revoke', 'key_1', 'key_2'], 'revoke does not take the argument "key_2".'],
		[['revoke', 'key_none'], 'No key has the ID key_none.'],
		[['delete', 'key_1'], 'Unknown command: delete.'],
		[['constructor'], 'Unknown command: constructor.'],
		[[], 'Missing command.'],
		[['list', '--remote'], '--remote cannot be combined with'],
	])('rejects %j with a message, and exits with 2', async (args, sentence) => {
		const { status, stdout, stderr } = await keys(...args);
		expect([status, stdout]).toEqual([2, '']);
		expect(stderr).toContain(sentence);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	it('refuses to rotate a revoked key', async () => {
		const { id } = await create('--user', 'user_8');
		await keys('revoke', id);
		const { status, stderr } = await keys('rotate', id);
		expect([status, stderr.trim()]).toEqual([2, `${id} is revoked: only an active key can be rotated.`]);
	});
});

describe('npm run keys in a process of its own', () => {
	let folder: string;
	let made: ReturnType<typeof npmRun>;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'keys-'));
		made = npmRun('keys', 'create', '--user', 'user_first', '--json', '--persist-to', folder);
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));
	const list = () => npmRun('keys', 'list', '--json', '--persist-to', folder);

	it('creates and migrates a local database, and finds the key there again', () => {
		expect([made.status, made.stderr]).toEqual([0, '']);
		const { id } = JSON.parse(made.stdout) as Created;
		expect(JSON.parse(list().stdout)).toMatchObject([{ id, userId: 'user_first', state: 'active' }]);
	});

	it('prints only JSON when there is a .dev.vars', () => {
		const file = join(ROOT, '.dev.vars');
		const kept = existsSync(file) ? readFileSync(file) : undefined;
		// Servers of other tests may read it meanwhile, so it sets nothing.
		if (kept === undefined) writeFileSync(file, 'NO_SETTING=""\n');
		try {
			const { status, stdout, stderr } = list();
			expect([status, stderr]).toEqual([0, '']);
			expect(JSON.parse(stdout)).toHaveLength(1);
		} finally {
			if (kept === undefined) rmSync(file);
		}
	});

	it('reports that it cannot store local data in a file or in a read-only folder', () => {
		for (const path of [join(folder, 'file'), '/proc']) {
			if (path !== '/proc') writeFileSync(path, '');
			const { status, stdout, stderr } = npmRun('keys', 'list', '--persist-to', path);
			expect([status, stdout]).toEqual([1, '']);
			expect(stderr).toContain(`Local data cannot be stored in ${path}: `);
			expect(stderr).not.toMatch(/^ +at /m);
		}
	});

	it.each(['help', '--help'])('prints its help for %s', async (word) => {
		const { status, stdout, stderr } = await runHere(() => import('../../scripts/keys.ts'), word);
		expect([status, stdout, stderr]).toEqual([
			0,
			expect.stringContaining('npm run keys -- create --user U'),
			'',
		]);
	});

	it('exits with 2 and a message when its arguments are invalid', () => {
		const { status, stdout, stderr } = npmRun('keys', 'revoke', '--local');
		expect([status, stdout]).toEqual([2, '']);
		expect(stderr).toContain('revoke needs the ID of a key.');
		expect(stderr).not.toMatch(/^ +at /m);
	});

	it('lists a session key with its session, revokes it, and does not rotate it into a key for all sessions', async () => {
		const { key } = await create('--user', 'user_of_session');
		const post = async (path: string) => {
			const headers = { Authorization: key, Connection: 'close' };
			const response = await fetch(server.url + SESSIONS + path, { method: 'POST', headers });
			return (await response.json()) as { id: string };
		};
		const session = await post('');
		const { id } = await post(`/${session.id}/keys`);
		expect(await find(id)).toMatchObject({ sessionId: session.id, state: 'active' });
		expect((await keys('list')).stdout).toContain(`PRODUCTS:READ of ${session.id}`);
		const rotated = await keys('rotate', id);
		expect([rotated.status, rotated.stderr]).toEqual([2, expect.stringContaining('one session')]);
		expect((await keys('revoke', id)).status).toBe(0);
		expect(await find(id)).toMatchObject({ state: 'revoked' });
	});

	it('lists a session key with the key that made it, and revokes both together', async () => {
		const maker = await create('--user', 'user_maker', '--expires-in', '30d');
		const headers = { Authorization: maker.key, Connection: 'close' };
		const post = async (path: string) =>
			(await (await fetch(server.url + SESSIONS + path, { method: 'POST', headers })).json()) as Created;
		const { id: session } = await post('');
		const made = await post(`/${session}/keys`);
		expect(await find(made.id)).toMatchObject({ makerKeyId: maker.id, makerClerkSessionId: null });
		expect((await keys('list')).stdout).toContain(`PRODUCTS:READ of ${session}, made by ${maker.id}`);
		const read = async () => {
			const guest = { Authorization: made.key, Connection: 'close' };
			return (await fetch(`${server.url}${SESSIONS}/${session}`, { headers: guest })).status;
		};
		expect(await read()).toBe(200);
		// The old key works for another minute, and so does the key that it has made.
		await keys('rotate', maker.id, '--grace', '1m');
		expect(await read()).toBe(200);
		expect((await find(made.id))?.expiresAt).toBe((await find(maker.id))?.expiresAt);
		await keys('revoke', maker.id);
		expect(await read()).toBe(401);
		expect(await find(made.id)).toMatchObject({ state: 'revoked' });
	});

	it('lists a session key with the types of events that it may append', async () => {
		const { key } = await create('--user', 'user_of_answers');
		const headers = { Authorization: key, Connection: 'close', 'Content-Type': 'application/json' };
		const post = async (path: string, body: object) => {
			const request = { method: 'POST', headers, body: JSON.stringify(body) };
			return (await (await fetch(server.url + SESSIONS + path, request)).json()) as { id: string };
		};
		const session = await post('', {});
		const { id } = await post(`/${session.id}/keys`, { append: ['input.*', 'say "yes"'] });
		const { id: reader } = await post(`/${session.id}/keys`, {});
		expect(await find(id)).toMatchObject({ append: ['input.*', 'say "yes"'], state: 'active' });
		expect(await find(reader)).toMatchObject({ append: [] });
		expect((await keys('list')).stdout).toContain(
			`PRODUCTS:READ and append input.*, say "yes" of ${session.id}, made by `,
		);
	});

	it('revokes the keys that a Clerk session has made', async () => {
		expect(await json('revoke', 'sess_signed_out')).toEqual({
			id: 'sess_signed_out',
			revoked: true,
			keys: 0,
		});
		const { stdout } = await keys('revoke', 'sess_signed_out');
		expect(stdout.trim()).toBe('0 keys that sess_signed_out has made are revoked.');
	});
});

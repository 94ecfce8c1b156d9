import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npmRun, ROOT } from '../support/server.ts';
import { type DevServer, freePort, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';

let folder: string;
/** Made in a database that was not there before. */
let first: Created;
let server: DevServer;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'keys-'));
	first = create('--user', 'user_first');
	server = await startDev(folder, await freePort(), { KEY_CACHE_SECONDS: '0' });
});
afterAll(async () => {
	await server?.kill();
	rmSync(folder, { recursive: true, force: true });
});

const keys = (...args: string[]) => npmRun('keys', ...args, '--persist-to', folder);

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

/** Runs a command with --json; standard output must hold the one line of JSON and nothing else. */
function json<T>(...args: string[]): T {
	const { status, stdout, stderr } = keys(...args, '--json');
	expect([status, stderr]).toEqual([0, '']);
	expect(stdout.trimEnd()).not.toContain('\n');
	return JSON.parse(stdout) as T;
}
const create = (...args: string[]) => json<Created>('create', ...args);
const find = (id: string) => json<Listed[]>('list').find((each) => each.id === id);
/** A connection each: one that is kept open ends while a command blocks this process. */
async function statusWith(key: string, method = 'GET'): Promise<number> {
	const headers = { Authorization: `Bearer ${key}`, Connection: 'close' };
	const response = await fetch(server.url + SESSIONS, { method, headers });
	await response.arrayBuffer();
	return response.status;
}

describe('npm run keys', () => {
	it('prepares a local database that is new', async () => {
		expect(find(first.id)?.state).toBe('active');
		expect(await statusWith(first.key)).toBe(200);
	});

	it('creates a key that works, and prints one object with seven members', async () => {
		const from = Date.now();
		const made = create(
			...['--user', 'user_1', '--org', 'org_1', '--name', 'ci', '--environment', 'test'],
			...['--permissions', 'PRODUCTS:READ, PRODUCTS:WRITE', '--expires-in', '90d'],
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

	it('creates a live key without end for all of PRODUCTS when nothing else is said', () => {
		expect(create('--user', 'user_2')).toMatchObject({
			key: expect.stringMatching(/^rt_live_/),
			organizationId: null,
			permissions: ['PRODUCTS:*'],
			environment: 'live',
			expiresAt: null,
		});
	});

	it('lists the keys, and shows none', async () => {
		const { id, key } = create('--user', 'user_3', '--name', 'laptop');
		await statusWith(key);
		const table = keys('list');
		const line = table.stdout.split('\n').find((each) => each.startsWith(id));
		expect(line).toMatch(/^key_\w+ +rt_live_[0-9a-f]{8} +user_3 +laptop +PRODUCTS:\* +\S+Z? +active$/);
		const listed = json<Listed[]>('list');
		for (const text of [table.stdout, JSON.stringify(listed)]) expect(text).not.toContain(key.slice(17));
		expect(listed.find((each) => each.id === id)).toMatchObject({
			userId: 'user_3',
			name: 'laptop',
			state: 'active',
			revokedAt: null,
		});
	});

	it('revokes a key, which then works no more', async () => {
		const { id, key } = create('--user', 'user_4');
		expect(await statusWith(key)).toBe(200);
		expect(json('revoke', id)).toEqual({ id, revoked: true });
		expect(await statusWith(key)).toBe(401);
		const first = find(id);
		expect(first?.state).toBe('revoked');
		expect(keys('revoke', id).status).toBe(0);
		expect(find(id)).toEqual(first);
	});

	it('rotates a key: the new one works, the old one at once no more', async () => {
		const old = create('--user', 'user_5', '--org', 'org_5', '--permissions', 'PRODUCTS:READ');
		const made = json<Created>('rotate', old.id);
		expect(made).toEqual({ ...old, id: made.id, key: made.key });
		expect([made.id === old.id, made.key === old.key]).toEqual([false, false]);
		expect([await statusWith(made.key), await statusWith(old.key)]).toEqual([200, 401]);
		expect(find(old.id)?.state).toBe('expired');
	});

	it('rotates a key with a grace: both work, the old one until it is over', async () => {
		const old = create('--user', 'user_6');
		const from = Date.now();
		const made = json<Created>('rotate', old.id, '--grace', '24h');
		expect([await statusWith(made.key), await statusWith(old.key)]).toEqual([200, 200]);
		const hours = (Date.parse(find(old.id)?.expiresAt ?? '') - from) / 3_600_000;
		expect([Math.round(hours), made.expiresAt]).toEqual([24, null]);
	});

	it('gives a key that was to end earlier no longer life by a grace', () => {
		const old = create('--user', 'user_7', '--expires-in', '1h');
		const { stdout } = keys('rotate', old.id, '--grace', '24h');
		expect(stdout).toContain(`${old.id} works until ${old.expiresAt}.`);
		expect(find(old.id)?.expiresAt).toBe(old.expiresAt);
	});

	it('prints JSON alone beside a .dev.vars too', () => {
		const file = join(ROOT, '.dev.vars');
		const kept = existsSync(file) ? readFileSync(file) : undefined;
		if (kept === undefined) writeFileSync(file, 'CLERK_ISSUER=""\n');
		try {
			expect(json<Listed[]>('list')).toBeInstanceOf(Array);
		} finally {
			if (kept === undefined) rmSync(file);
		}
	});

	it('says how it is used when asked', () => {
		const { status, stdout } = npmRun('keys', 'help');
		expect([status, stdout]).toEqual([0, expect.stringContaining('npm run keys -- create --user U')]);
	});

	it.each([
		[['create'], 'create needs --user.'],
		[['create', '--user', ''], '--user takes 1 to 255 characters.'],
		[['create', '--user', 'u', '--permissions', 'PRODUCTS:ADMIN'], 'permissions are'],
		[['create', '--user', 'u', '--environment', 'staging'], '--environment is live or test.'],
		[['create', '--user', 'u', '--expires-in', 'soon'], 'soon is no duration'],
		[['create', '--user', 'u', '--expires-in', '-1d'], '--expires-in'],
		[['create', '--user', 'u', '--grace', '1h'], 'create takes no --grace.'],
		[['create', 'user_1'], 'create takes no user_1.'],
		[['create', '--user', 'u', '--admin'], '--admin'],
		[['list', '--user', 'u'], 'list takes no --user.'],
		[['revoke'], 'Which key?'],
		[['revoke', 'key_1', 'key_2'], 'revoke takes no key_2.'],
		[['revoke', 'key_none'], 'There is no key key_none.'],
		[['delete', 'key_1'], 'There is no command delete.'],
		[['constructor'], 'There is no command constructor.'],
		[[], 'Say what to do.'],
		[['list', '--remote'], '--remote goes with neither'],
	])('refuses %j with a sentence, and exits 2', (args, sentence) => {
		const { status, stdout, stderr } = keys(...args);
		expect([status, stdout]).toEqual([2, '']);
		expect(stderr).toContain(sentence);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	it('rotates no key that is revoked', () => {
		const { id } = create('--user', 'user_8');
		keys('revoke', id);
		const { status, stderr } = keys('rotate', id);
		expect([status, stderr.trim()]).toEqual([2, `${id} is not active.`]);
	});
});

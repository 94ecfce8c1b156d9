import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { prepareDatabases } from '../../scripts/deploy.ts';
import { addDatabase, addEnvironment, runScript, setPlacement, withProject } from '../support/project.ts';
import { ROOT, withFolder } from '../support/server.ts';
import { standInWrangler } from '../support/stand-in-wrangler.ts';

const NAME = 'product-generation-sessions';
const INFO = `d1 info ${NAME} --json`;
const CREATE = `d1 create ${NAME}`;
const LOOK = `d1 execute ${NAME} --remote --json --command`;
const MIGRATE = 'd1 migrations apply DB --remote';
const QUEUE = 'product-generation-session-webhooks';
const [FIND_QUEUE, MAKE_QUEUE] = [`queues info ${QUEUE}`, `queues create ${QUEUE}`];

const deploy = (env: Record<string, string>, ...args: string[]) => deployOf(ROOT, env, ...args);

const deployOf = (project: string, env: Record<string, string>, ...args: string[]) =>
	runScript(project, 'deploy.ts', env, ...args);

describe.concurrent('npm run deploy', () => {
	it('creates the missing database, applies the migrations, uploads the Worker, and prints the next command', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const first = await deploy(env());
			expect([first.status, first.stderr]).toEqual([0, '']);
			expect(calls()).toEqual([INFO, CREATE, MIGRATE, FIND_QUEUE, MAKE_QUEUE, 'deploy']);
			expect(first.stdout).toContain(`${QUEUE}: created`);
			expect(first.stdout).toContain(`${NAME}: created`);
			expect(first.stdout).toContain('https://sessions.example.workers.dev');
			expect(first.stdout).toContain('npm run keys -- create --user YOU --remote');

			const second = await deploy(env());
			expect(second.status).toBe(0);
			expect(calls()).toEqual([INFO, expect.stringContaining(LOOK), MIGRATE, FIND_QUEUE, 'deploy']);
			expect(second.stdout).toContain(`${QUEUE}: exists`);
			expect(second.stdout).toContain(`${NAME}: exists`);
		}));

	it.each([
		['d1 info', [INFO]],
		['d1 create', [INFO, CREATE]],
		['d1 migrations', [INFO, CREATE, MIGRATE]],
		['queues info', [INFO, CREATE, MIGRATE, FIND_QUEUE]],
		['queues create', [INFO, CREATE, MIGRATE, FIND_QUEUE, MAKE_QUEUE]],
		['deploy', [INFO, CREATE, MIGRATE, FIND_QUEUE, MAKE_QUEUE, 'deploy']],
	])('stops with the message of wrangler when %s fails', (failing, made) =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stdout, stderr } = await deploy(env(failing));
			expect([status, calls()]).toEqual([1, made]);
			expect(stderr).toContain('wrangler says what went wrong');
			expect(stderr).toContain('npm run deploy');
			expect(stderr).not.toMatch(/^ +at /m);
			expect(stdout).not.toContain('https://');
		}),
	);

	it('creates a missing database at the first place that PLACEMENT gives it', () =>
		withProject(async (project, folder) => {
			addDatabase(project, 'DB_1', 'further');
			setPlacement(project, 'DB=enam,wnam DB_1=weur');
			const { env, calls } = standInWrangler(folder);
			expect((await deployOf(project, env())).status).toBe(0);
			expect(calls()).toEqual([
				...[INFO, 'd1 info further --json', `${CREATE} --location enam`, 'd1 create further --location weur'],
				...[MIGRATE, 'd1 migrations apply DB_1 --remote', FIND_QUEUE, MAKE_QUEUE, 'deploy'],
			]);
		}));

	it('changes nothing when a setting is invalid', () =>
		withProject(async (project, folder) => {
			setPlacement(project, 'DB=enam DB_1=weur');
			const { env, calls } = standInWrangler(folder);
			const { status, stderr } = await deployOf(project, env());
			expect([status, calls()]).toEqual([1, []]);
			expect(stderr).toContain('PLACEMENT: DB_1 is not bound');
			expect(stderr).not.toMatch(/^ +at /m);
		}));

	it('changes nothing when a database has the schema of an earlier version, and says how to go on', () =>
		withProject(async (project, folder) => {
			addDatabase(project, 'DB_1', 'further');
			const { env, calls } = standInWrangler(folder);
			writeFileSync(join(folder, `database-${NAME}`), 'earlier');
			const { status, stderr } = await deployOf(project, env());
			expect(status).toBe(1);
			expect(calls()).toEqual([INFO, 'd1 info further --json', expect.stringContaining(LOOK)]);
			expect(stderr).toContain('another database_name');
			expect(stderr).toContain('npm run keys');
		}));

	it('changes nothing when two bindings have the same database', () =>
		withProject(async (project, folder) => {
			addDatabase(project, 'DB_1', NAME);
			const { env, calls } = standInWrangler(folder);
			const { status, stderr } = await deployOf(project, env());
			expect([status, calls()]).toEqual([1, []]);
			expect(stderr).toContain(`wrangler.toml: DB and DB_1 have the same database_name "${NAME}"`);
		}));

	it('says in one sentence that there is no login, and changes nothing', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stdout, stderr } = await deploy({ ...env(), LOGGED_IN: 'false' });
			expect([status, stdout, calls()]).toEqual([1, '', []]);
			expect(stderr.trim()).toBe(
				'wrangler is not logged in to a Cloudflare account: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.',
			);
		}));

	it('creates missing databases in a jurisdiction', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			expect((await deploy(env(), '--jurisdiction', 'eu')).status).toBe(0);
			expect(calls()).toEqual([
				INFO,
				`${CREATE} --jurisdiction eu`,
				MIGRATE,
				FIND_QUEUE,
				`${MAKE_QUEUE} --jurisdiction eu`,
				'deploy',
			]);
		}));

	it('deploys without a login to a temporary account, and makes a key there', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stdout } = await deploy({ ...env(), LOGGED_IN: 'false' }, '--temporary');
			expect(status).toBe(0);
			const made = calls();
			expect(made.slice(0, 6)).toEqual(
				[INFO, CREATE, MIGRATE, FIND_QUEUE, MAKE_QUEUE, 'deploy'].map((call) => `${call} --temporary`),
			);
			const [, key = ''] = /^ {2}(rt_test_\w+)$/m.exec(stdout) ?? [];
			const hash = createHash('sha256').update(key).digest('hex');
			expect(made.slice(6)).toEqual([
				expect.stringMatching(/^d1 execute DB --remote --temporary --command INSERT INTO api_keys /),
			]);
			expect(made[6]).toContain(`'${hash}'`);
			expect(made[6]).not.toContain(key);
		}));

	it('deploys the environment that CLOUDFLARE_ENV names, with its own databases, and without a queue that it does not name', () =>
		withProject(async (project, folder) => {
			addEnvironment(project);
			const { env, calls } = standInWrangler(folder);
			const { status } = await deployOf(project, { ...env(), CLOUDFLARE_ENV: 'staging' });
			expect(status).toBe(0);
			expect(calls()).toEqual([
				...[`d1 info ${NAME}-staging --json`, `${CREATE}-staging`],
				...[MIGRATE, 'deploy'],
			]);
		}));

	it('changes nothing when wrangler.toml does not have the environment', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stderr } = await deploy({ ...env(), CLOUDFLARE_ENV: 'nowhere' });
			expect([status, calls()]).toEqual([1, []]);
			expect(stderr.trim()).toBe('CLOUDFLARE_ENV is "nowhere", and wrangler.toml has no [env.nowhere].');
			expect(stderr).not.toMatch(/^ +at /m);
		}));

	it.each([
		[['--env', 'staging'], "'--env'"],
		[['--jurisdiction', 'mars'], '"mars" is not a jurisdiction of D1'],
		[['production'], "'production'"],
	])('exits with 2 for the arguments %j', (args, words) =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stderr } = await deploy(env(), ...args);
			expect([status, calls()]).toEqual([2, []]);
			expect(stderr).toContain(words);
		}),
	);

	it('prints its usage', async () => {
		const { status, stdout } = await deploy({}, '--help');
		expect([status, stdout]).toEqual([0, expect.stringContaining('npm run deploy -- [')]);
	});
});

describe('prepareDatabases', () => {
	it('creates all missing databases first, and then applies the migrations to each', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			for (const [name, value] of Object.entries(env())) vi.stubEnv(name, value);
			try {
				prepareDatabases(
					[
						{ binding: 'DB', name: 'one' },
						{ binding: 'DB_1', name: 'two' },
					],
					[],
					{ more: [] },
					() => {},
				);
			} finally {
				vi.unstubAllEnvs();
			}
			expect(calls()).toEqual([
				...['d1 info one --json', 'd1 info two --json', 'd1 create one', 'd1 create two'],
				...['d1 migrations apply DB --remote', 'd1 migrations apply DB_1 --remote'],
			]);
		}));
});

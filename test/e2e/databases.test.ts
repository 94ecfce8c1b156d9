import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withDatabase } from '../../scripts/databases.ts';
import { addEnvironment, runScript, setPlacement, withProject } from '../support/project.ts';
import { ROOT, withFolder } from '../support/server.ts';
import { standInWrangler } from '../support/stand-in-wrangler.ts';

const NAME = 'product-generation-sessions';

const databases = (project: string, env: Record<string, string>, ...args: string[]) =>
	runScript(project, 'databases.ts', env, ...args);
const toml = (project: string) => readFileSync(join(project, 'wrangler.toml'), 'utf8');

describe.concurrent('npm run databases -- add', () => {
	it('creates a database at the place, binds it, applies the migrations, and prints the PLACEMENT to set', () =>
		withProject(async (project, folder) => {
			const { env, calls } = standInWrangler(folder, [NAME]);
			const before = toml(project);
			const first = await databases(project, env(), 'add', '--location', 'weur');
			expect([first.status, first.stderr]).toEqual([0, '']);
			expect(calls()).toEqual([
				`d1 info ${NAME}-1 --json`,
				`d1 create ${NAME}-1 --location weur`,
				'd1 migrations apply DB_1 --remote',
			]);
			expect(first.stdout).toContain('PLACEMENT = "DB=enam DB_1=weur"');
			const second = await databases(project, env(), 'add', '--location', 'apac');
			expect(second.status).toBe(0);
			expect(second.stdout).toContain('PLACEMENT = "DB=enam DB_2=apac"\n\nDB_1 is not named there');
			expect(calls()).toContain('d1 migrations apply DB_2 --remote');
			const added = (n: number) =>
				`\n[[d1_databases]]\nbinding = "DB_${n}"\ndatabase_name = "${NAME}-${n}"\nmigrations_dir = "migrations"\n`;
			expect(toml(project).replace(added(1), '').replace(added(2), '')).toBe(before);
		}));

	it('uses a database that an earlier run has created', () =>
		withProject(async (project, folder) => {
			const { env, calls } = standInWrangler(folder, [NAME, `${NAME}-1`]);
			const { status, stdout } = await databases(project, env(), 'add', '--location', 'oc');
			expect(status).toBe(0);
			expect(stdout).toContain('exists already');
			expect(calls()).toEqual([`d1 info ${NAME}-1 --json`, 'd1 migrations apply DB_1 --remote']);
		}));

	it('creates a database in a jurisdiction, and proposes its places for PLACEMENT', () =>
		withProject(async (project, folder) => {
			const { env, calls } = standInWrangler(folder, [NAME]);
			const { stdout } = await databases(project, env(), 'add', '--jurisdiction', 'eu');
			expect(calls()).toContain(`d1 create ${NAME}-1 --jurisdiction eu`);
			expect(stdout).toContain('PLACEMENT = "DB=enam DB_1=weur,eeur"');
		}));

	it('binds the database in the environment that CLOUDFLARE_ENV names', () =>
		withProject(async (project, folder) => {
			addEnvironment(project);
			const before = toml(project);
			const { env, calls } = standInWrangler(folder, [NAME]);
			const { status, stderr } = await databases(
				project,
				{ ...env(), CLOUDFLARE_ENV: 'staging' },
				...['add', '--location', 'weur'],
			);
			expect([status, stderr]).toEqual([0, '']);
			expect(calls()).toContain(`d1 create ${NAME}-staging-1 --location weur`);
			const added = `\n[[env.staging.d1_databases]]\nbinding = "DB_1"\ndatabase_name = "${NAME}-staging-1"\nmigrations_dir = "migrations"\n`;
			expect(toml(project)).toContain(added);
			expect(toml(project).replace(added, '')).toBe(before);
		}));

	it('changes nothing without a login', () =>
		withProject(async (project, folder) => {
			const { env, calls } = standInWrangler(folder);
			const before = toml(project);
			const { status, stderr } = await databases(
				project,
				{ ...env(), LOGGED_IN: 'false' },
				...['add', '--location', 'oc'],
			);
			expect([status, calls(), toml(project)]).toEqual([1, [], before]);
			expect(stderr).toContain('npx wrangler login');
		}));

	it('changes nothing when the database cannot be created', () =>
		withProject(async (project, folder) => {
			const { env } = standInWrangler(folder, [NAME]);
			const before = toml(project);
			const { status, stderr } = await databases(project, env('d1 create'), 'add', '--location', 'oc');
			expect(status).toBe(1);
			expect(stderr).toContain('wrangler says what went wrong');
			expect(toml(project)).toBe(before);
		}));

	it.each([
		[['add'], '--location'],
		[['add', '--location', 'mars'], '"mars" is not a place of D1. Use wnam, enam, weur, eeur, apac, oc.'],
		[['add', '--location', 'weur', '--json'], 'does not take --json'],
		[['add', '--jurisdiction', 'mars'], '"mars" is not a jurisdiction of D1. Use eu, fedramp, us.'],
		[['add', '--location', 'weur', '--jurisdiction', 'eu'], '--jurisdiction cannot be combined'],
		[['list', '--location', 'weur'], 'does not take --location'],
		[['list', '--jurisdiction', 'eu'], 'does not take --jurisdiction'],
		[['list', '--remote', '--local'], '--remote cannot be combined'],
		[['remove'], 'Unknown command: remove'],
		[['--colour'], '--colour'],
	])('exits with 2 and says what is wrong for %j', (args, words) =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stderr } = await databases(ROOT, env(), ...args);
			expect([status, calls()]).toEqual([2, []]);
			expect(stderr).toContain(words);
		}),
	);
});

it.each(['help', '--help'])('npm run databases -- %s prints the usage', async (word) => {
	const { status, stdout, stderr } = await databases(ROOT, {}, word);
	expect([status, stderr]).toEqual([0, '']);
	expect(stdout).toContain('npm run databases -- add --location');
});

describe('npm run databases -- list', () => {
	it('shows the size and rows of each local database, and the places whose new sessions it takes', () =>
		withFolder(async (folder) => {
			const path = { PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` };
			const json = await databases(ROOT, path, 'list', '--persist-to', folder, '--json');
			expect(JSON.parse(json.stdout)).toEqual([
				{
					binding: 'DB',
					name: NAME,
					newSessions: 'all',
					bytes: expect.any(Number),
					sessions: 0,
					events: 0,
					keys: 0,
				},
			]);
			const text = await databases(ROOT, path, 'list', '--persist-to', folder);
			expect(text.stdout).toMatch(/^DB +product-generation-sessions +all +\d+\.\d MB +0 +0 +0$/m);
		}));

	it.each([
		['DB=enam DB_1=mars', 'PLACEMENT: "mars" of DB_1 must be one of'],
		['DB=enam DB_1=weur', 'PLACEMENT: DB_1 is not bound'],
	])('says what is wrong when PLACEMENT is %j', (placement, words) =>
		withProject(async (project, folder) => {
			setPlacement(project, placement);
			const path = { PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` };
			const { status, stderr } = await databases(project, path, 'list', '--persist-to', folder);
			expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
			expect(stderr).not.toMatch(/^ +at /m);
		}),
	);
});

describe('withDatabase', () => {
	it('adds a table after the last one, and keeps comments and everything after it', () => {
		const text =
			'# a\n[[d1_databases]] # b\nbinding = "DB"\n# c\nmigrations_dir = "m" # d\n\n# e\n[vars]\nX = "1"\n';
		expect(withDatabase(text, 'DB_1', 'n')).toBe(
			text.replace(
				'# d\n',
				'# d\n\n[[d1_databases]]\nbinding = "DB_1"\ndatabase_name = "n"\nmigrations_dir = "migrations"\n',
			),
		);
	});
});

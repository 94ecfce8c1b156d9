/**
 * `npm run keys`: creates, lists, revokes and rotates API keys. `npm run keys -- --help` prints how.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { issueKey, type KeyRequest } from '../src/auth/issue-key.ts';
import { type ApiKeyRow, expireApiKey, listApiKeys, readApiKey, revokeApiKey } from '../src/auth/store.ts';
import type { Database } from '../src/core/database.ts';
import { type Permission, permissions } from '../src/core/principal.ts';
import { openDatabase } from '../src/database/database.ts';
import { exitCodeOf, Failure } from './failure.ts';
import { applyLocalMigrations, openD1 } from './open-d1.ts';
import { table } from './table.ts';

const HELP = `npm run keys -- create --user U [--org O] [--name N] [--permissions P,…]
                      [--environment live|test] [--expires-in 90d]
npm run keys -- list
npm run keys -- revoke ID
npm run keys -- rotate ID [--grace 24h] [--expires-in 90d]

Each command takes --json, and either --local (the default; with --persist-to DIR as in wrangler) or --remote.
Permissions: ${permissions.join(', ')}. The default is PRODUCTS:*.
Durations: a number followed by s, m, h or d.
rotate makes a new key for the same owner. The old key keeps working for --grace; by default it stops at once.`;

/** A Failure for invalid arguments. */
const usageError = (message: string) => new Failure(message, 2);

/**
 * Opens the database. Commands call it after they have checked their arguments, because it takes time, and --remote
 * needs a login.
 */
type OpenDatabase = () => Promise<Database>;

const { values, positionals } = readArguments();

function readArguments() {
	try {
		return parseArgs({
			allowPositionals: true,
			options: {
				user: { type: 'string' },
				org: { type: 'string' },
				name: { type: 'string' },
				permissions: { type: 'string' },
				environment: { type: 'string' },
				'expires-in': { type: 'string' },
				grace: { type: 'string' },
				json: { type: 'boolean' },
				local: { type: 'boolean' },
				remote: { type: 'boolean' },
				'persist-to': { type: 'string' },
				help: { type: 'boolean' },
			},
		});
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
		process.exit(2);
	}
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Returns the time after a duration such as `90d` from now. `option` is the name of the option with the duration. */
function after(option: string, duration: string): string {
	const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
	if (!number || !unit) {
		throw usageError(
			`--${option}: "${duration}" is not a duration. Use a number followed by s, m, h or d, for example 90d.`,
		);
	}
	return new Date(Date.now() + Number(number) * SECONDS[unit as keyof typeof SECONDS] * 1000).toISOString();
}

/** Returns when a new key expires, or undefined when --expires-in is not given. */
function givenExpiry(): string | undefined {
	const duration = values['expires-in'];
	if (duration === undefined) return undefined;
	if (/^0+[smhd]$/.test(duration)) throw usageError(`--expires-in ${duration} makes a key that never works.`);
	return after('expires-in', duration);
}

/** Returns each permission once, in the order of the documentation. */
function grantedPermissions(text: string): Permission[] {
	const names = text.split(',').map((name) => name.trim());
	const unknown = names.find((name) => !permissions.some((permission) => permission === name));
	if (unknown !== undefined) {
		throw usageError(`--permissions: "${unknown}" is not a permission. Use ${permissions.join(', ')}.`);
	}
	return permissions.filter((permission) => names.includes(permission));
}

function nonEmpty(option: string, value: string | undefined): string | null {
	if (value === undefined) return null;
	if (value.trim() === '' || value.length > 255) {
		throw usageError(`--${option} takes 1 to 255 characters.`);
	}
	return value;
}

/** The only output that contains the key. */
const created = (key: string, row: ApiKeyRow) => ({
	id: row.id,
	key,
	userId: row.user_id,
	organizationId: row.organization_id,
	permissions: row.permissions.split(','),
	environment: row.environment,
	expiresAt: row.expires_at,
});

function printCreated(key: string, row: ApiKeyRow): void {
	if (values.json) console.log(JSON.stringify(created(key, row)));
	else console.log(`${row.id}\n${key}\nThe key is shown only now: the database keeps its SHA-256.`);
}

const stateOf = (row: ApiKeyRow, now: string) =>
	row.revoked_at !== null
		? 'revoked'
		: row.expires_at !== null && row.expires_at <= now
			? 'expired'
			: 'active';

async function existing(db: Database, id = ''): Promise<ApiKeyRow> {
	const row = await readApiKey(db, id);
	if (!row) throw usageError(`No key has the ID ${id}. List the keys with \`npm run keys -- list\`.`);
	return row;
}

async function create(database: OpenDatabase): Promise<void> {
	const userId = nonEmpty('user', values.user);
	if (userId === null) throw usageError('create needs --user: the ID of the user whose key it is.');
	const environment = z.enum(['live', 'test']).safeParse(values.environment ?? 'live');
	if (!environment.success) throw usageError('--environment takes live or test.');
	const request: KeyRequest = {
		userId,
		organizationId: nonEmpty('org', values.org),
		name: nonEmpty('name', values.name),
		permissions: grantedPermissions(values.permissions ?? 'PRODUCTS:*'),
		environment: environment.data,
		expiresAt: givenExpiry() ?? null,
	};
	const { key, row } = await issueKey(await database(), request);
	printCreated(key, row);
}

async function list(database: OpenDatabase): Promise<void> {
	const now = new Date().toISOString();
	const rows = (await listApiKeys(await database())).map((row) => ({
		id: row.id,
		prefix: row.prefix,
		name: row.name,
		userId: row.user_id,
		organizationId: row.organization_id,
		permissions: row.permissions.split(','),
		sessionId: row.session_id,
		environment: row.environment,
		state: stateOf(row, now),
		createdAt: row.created_at,
		expiresAt: row.expires_at,
		revokedAt: row.revoked_at,
		lastUsedAt: row.last_used_at,
	}));
	if (values.json) return console.log(JSON.stringify(rows));
	if (rows.length === 0) return console.log('There are no keys.');
	const header = ['ID', 'PREFIX', 'OWNER', 'NAME', 'PERMISSIONS', 'LAST USED', 'STATE'];
	const lines = rows.map((row) => [
		row.id,
		row.prefix,
		row.organizationId === null ? row.userId : `${row.userId} in ${row.organizationId}`,
		row.name ?? '-',
		row.sessionId === null ? row.permissions.join(',') : `${row.permissions.join(',')} of ${row.sessionId}`,
		row.lastUsedAt ?? 'never',
		row.state === 'active' && row.expiresAt !== null ? `active until ${row.expiresAt}` : row.state,
	]);
	console.log(table([header, ...lines]));
}

async function revoke(database: OpenDatabase): Promise<void> {
	const db = await database();
	const row = await existing(db, positionals[1]);
	await revokeApiKey(db, row.id, new Date().toISOString());
	console.log(values.json ? JSON.stringify({ id: row.id, revoked: true }) : `${row.id} is revoked.`);
}

async function rotate(database: OpenDatabase): Promise<void> {
	const grace = after('grace', values.grace ?? '0s');
	const expiresAt = givenExpiry();
	const db = await database();
	const old = await existing(db, positionals[1]);
	const state = stateOf(old, new Date().toISOString());
	if (state !== 'active') throw usageError(`${old.id} is ${state}: only an active key can be rotated.`);
	if (old.session_id !== null) {
		throw usageError(
			`${old.id} can read one session only, and cannot be rotated. Make a new key with the API.`,
		);
	}
	const until = old.expires_at !== null && old.expires_at < grace ? old.expires_at : grace;
	const { key, row } = await issueKey(db, {
		userId: old.user_id,
		organizationId: old.organization_id,
		name: old.name,
		permissions: grantedPermissions(old.permissions),
		environment: old.environment,
		expiresAt: expiresAt ?? old.expires_at,
	});
	// Store the new key before the old one ends. After a failure in between, the owner still has a working key.
	await expireApiKey(db, old.id, until);
	printCreated(key, row);
	if (!values.json) console.log(`${old.id} works until ${until}.`);
}

/** The arguments of each command besides --json and the choice of the database. */
const commands = new Map([
	[
		'create',
		{ run: create, id: false, options: ['user', 'org', 'name', 'permissions', 'environment', 'expires-in'] },
	],
	['list', { run: list, id: false, options: [] }],
	['revoke', { run: revoke, id: true, options: [] }],
	['rotate', { run: rotate, id: true, options: ['grace', 'expires-in'] }],
]);
const ALWAYS = ['json', 'local', 'remote', 'persist-to'];

/** Throws a Failure for every unknown argument, because ignoring one is dangerous when keys are created. */
function checkArguments(name: string, takes: { id: boolean; options: readonly string[] }): void {
	const foreign = Object.keys(values).find((option) => ![...takes.options, ...ALWAYS].includes(option));
	if (foreign) throw usageError(`${name} does not take --${foreign}.`);
	const word = positionals[takes.id ? 2 : 1];
	if (word !== undefined) throw usageError(`${name} does not take the argument "${word}".`);
	if (takes.id && !positionals[1]) {
		throw usageError(`${name} needs the ID of a key. List the keys with \`npm run keys -- list\`.`);
	}
	if (values.remote && (values.local || values['persist-to'] !== undefined)) {
		throw usageError('--remote cannot be combined with --local or --persist-to.');
	}
}

async function main(): Promise<void> {
	const [name = ''] = positionals;
	if (name === 'help' || values.help) return console.log(HELP);
	const command = commands.get(name);
	if (!command) {
		throw usageError(`${name === '' ? 'Missing command.' : `Unknown command: ${name}.`}\n\n${HELP}`);
	}
	checkArguments(name, command);
	try {
		await onDatabase(command.run);
	} catch (error) {
		if (!isWithoutTables(error)) throw error;
		if (values.remote) {
			throw new Failure('The remote database has no tables yet: run `npm run deploy` first.');
		}
		// The local database is new, and the command has changed nothing yet.
		applyLocalMigrations(values['persist-to']);
		await onDatabase(command.run);
	}
}

const isWithoutTables = (error: unknown): boolean =>
	error instanceof Error && /no such table/.test(error.message);

/** Runs a command with a function that opens the database on demand. */
async function onDatabase(run: (open: () => Promise<Database>) => Promise<void>): Promise<void> {
	let close = async () => {};
	try {
		await run(async () => {
			const opened = await openD1({ remote: values.remote ?? false, persistTo: values['persist-to'] });
			close = opened.close;
			return openDatabase(opened.d1);
		});
	} finally {
		await close();
	}
}

process.exit(await exitCodeOf(main));

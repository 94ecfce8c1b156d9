import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { D1Choice } from './database-choice.ts';
import { Failure } from './failure.ts';
import { createForOwnerOnly, keepForOwner } from './owner-only.ts';
import {
	configuredDatabases,
	ROOT,
	readConfig,
	remoteDatabaseId,
	requireLogin,
	wrangler,
} from './wrangler.ts';

/** Opens DB alone: see openD1s. */
export async function openD1(choice: D1Choice): Promise<{ d1: D1Database; close: () => Promise<void> }> {
	const { d1s, close } = await openD1s(choice, 'DB');
	const d1 = d1s.get('DB');
	if (!d1) throw new Failure('wrangler.toml has no D1 database with the binding DB.');
	return { d1, close };
}

/**
 * Opens the databases of wrangler.toml through wrangler, by binding: the local ones, or the remote ones by remote bindings with
 * the account that wrangler is logged in to. `only` names the one binding to open remotely. Bound parameters work in both,
 * unlike in `wrangler d1 execute`. Throws a Failure when the local folder is not writable or a remote database cannot be
 * reached.
 */
export async function openD1s(
	choice: D1Choice,
	only?: string,
): Promise<{ d1s: ReadonlyMap<string, D1Database>; close: () => Promise<void> }> {
	if (!choice.remote) checkLocalFolder(choice.persistTo);
	const configPath = choice.remote ? await remoteConfig(only) : await localConfig();
	const restore = changeEnvironment();
	try {
		const state = choice.persistTo === undefined ? join(ROOT, '.wrangler/state') : resolve(choice.persistTo);
		// Loading wrangler takes a second, so load it after the arguments are checked.
		const { getPlatformProxy } = await import('wrangler');
		const proxy = await getPlatformProxy<Record<string, D1Database>>({
			configPath,
			remoteBindings: choice.remote,
			persist: { path: join(state, 'v3') },
		}).catch((error: Error) => {
			if (!choice.remote) throw error;
			throw new Failure(`The remote database cannot be reached: ${error.message}`);
		});
		const close = () => proxy.dispose().finally(restore);
		return { d1s: new Map(Object.entries(proxy.env)), close };
	} catch (error) {
		restore();
		throw error;
	}
}

/**
 * Makes wrangler in this process print only errors, unless WRANGLER_LOG is set: it reports a .dev.vars on standard output, where
 * a program expects only JSON. Also hides CLOUDFLARE_ENV from it: the configurations that are written here are those of the
 * environment, and have none. Returns a function that undoes this, because `npm run dev` then starts a wrangler that needs both.
 */
function changeEnvironment(): () => void {
	const { WRANGLER_LOG, CLOUDFLARE_ENV } = process.env;
	process.env.WRANGLER_LOG = WRANGLER_LOG ?? 'error';
	delete process.env.CLOUDFLARE_ENV;
	return () => {
		if (WRANGLER_LOG === undefined) delete process.env.WRANGLER_LOG;
		if (CLOUDFLARE_ENV !== undefined) process.env.CLOUDFLARE_ENV = CLOUDFLARE_ENV;
	};
}

/**
 * Migrates a local database to the newest schema. Throws a Failure with wrangler's message, or with what to delete when the
 * database has the schema of a version before 0.2.0, which no migration leads from.
 */
export function applyLocalMigrations(persistTo: string | undefined, binding = 'DB'): void {
	checkLocalFolder(persistTo);
	const folder = persistTo === undefined ? [] : ['--persist-to', resolve(persistTo)];
	try {
		wrangler('d1', 'migrations', 'apply', binding, '--local', ...folder);
	} catch (error) {
		if (!(error instanceof Failure) || !error.message.includes('table sessions already exists')) throw error;
		const data = persistTo === undefined ? join(ROOT, '.wrangler/state') : join(resolve(persistTo), 'v3/d1');
		throw new Failure(`The local data is of an earlier version. Delete ${data} and run this command again.`);
	}
}

/**
 * Makes local data readable by its owner alone. Throws a Failure unless it can be written. Without this check, wrangler shows a
 * stack trace for a file, and hangs on a read-only folder.
 */
function checkLocalFolder(persistTo: string | undefined): void {
	const folder = persistTo === undefined ? join(ROOT, '.wrangler/state') : resolve(persistTo);
	const databases = join(folder, 'v3/d1');
	createForOwnerOnly();
	try {
		makeFolder(databases);
		// The folder itself may be one for other things too, when --persist-to names it.
		keepForOwner(persistTo === undefined ? join(ROOT, '.wrangler') : join(folder, 'v3'));
		for (const name of ['', ...readdirSync(databases, { recursive: true, encoding: 'utf8' })]) {
			accessSync(join(databases, name), constants.W_OK);
		}
	} catch (error) {
		const reason = error instanceof Error ? error.message : error;
		throw new Failure(
			`Local data cannot be stored in ${folder}: ${reason}. Name a writable folder with --persist-to.`,
		);
	}
}

/**
 * Creates a folder and its parents. It does not use `recursive`, because Node then never returns in places such as
 * /proc.
 */
function makeFolder(path: string): void {
	if (existsSync(path)) return;
	makeFolder(dirname(path));
	try {
		mkdirSync(path);
	} catch (error) {
		// Another command may have created it at the same time.
		if (!existsSync(path)) throw error;
	}
}

/**
 * Writes a configuration with only the databases of wrangler.toml, and returns its path. This process has no Worker, so
 * workerd would warn that the class of the hubs is missing.
 */
async function localConfig(): Promise<string> {
	const { name, compatibility_date, d1_databases } = await readConfig();
	return writeConfig('local-databases.json', { name, compatibility_date, d1_databases });
}

async function writeConfig(file: string, config: object): Promise<string> {
	const folder = join(ROOT, '.wrangler');
	const path = join(folder, file);
	await mkdir(folder, { recursive: true });
	// Another command may be reading it.
	const written = `${path}.${process.pid}`;
	await writeFile(written, JSON.stringify(config));
	await rename(written, path);
	return path;
}

/**
 * Writes a configuration with the databases of wrangler.toml, all or `only` one, marked as remote, and returns its path. In
 * wrangler.toml itself the mark would make `wrangler dev` require a login. A remote binding needs the id, which differs by
 * account.
 */
async function remoteConfig(only: string | undefined): Promise<string> {
	requireLogin();
	const { name, compatibility_date, account_id } = await readConfig();
	const databases = await configuredDatabases();
	const d1_databases = databases
		.filter(({ binding }) => only === undefined || binding === only)
		.map(({ binding, name: database_name }) => {
			const database_id = remoteDatabaseId(database_name);
			if (database_id === undefined) {
				throw new Failure(`The database ${database_name} does not exist yet: run \`npm run deploy\` first.`);
			}
			return { binding, database_name, database_id, remote: true };
		});
	return writeConfig('remote-database.json', { name, compatibility_date, account_id, d1_databases });
}

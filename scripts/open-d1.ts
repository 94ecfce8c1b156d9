import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Failure } from './failure.ts';
import { CONFIG, configuredDatabases, ROOT, remoteDatabaseId, wrangler } from './wrangler.ts';

/** Which D1 database a command works on. */
export interface D1Choice {
	remote: boolean;
	/** The folder that `wrangler dev --persist-to` was given; undefined for wrangler's own. */
	persistTo: string | undefined;
}

/**
 * Opens the database of wrangler.toml through wrangler: the local one, or the remote one with the account that wrangler
 * is logged in to, by a remote binding. Bound parameters work in both, as they do not in `wrangler d1 execute`. Throws a
 * Failure when the local folder cannot be written to or the remote database cannot be reached.
 */
export async function openD1(choice: D1Choice): Promise<{ d1: D1Database; close: () => Promise<void> }> {
	if (!choice.remote) checkLocalFolder(choice.persistTo);
	// wrangler says on standard output that it found a .dev.vars, before the JSON that a program waits for there.
	process.env.WRANGLER_LOG ??= 'error';
	const configPath = choice.remote ? await remoteConfig() : await localConfig();
	const state = choice.persistTo === undefined ? join(ROOT, '.wrangler/state') : resolve(choice.persistTo);
	// Loaded here because it takes a second: a misspelt command does not wait for it.
	const { getPlatformProxy } = await import('wrangler');
	const proxy = await getPlatformProxy<{ DB: D1Database }>({
		configPath,
		remoteBindings: choice.remote,
		persist: { path: join(state, 'v3') },
	}).catch((error: Error) => {
		if (!choice.remote) throw error;
		throw new Failure(`The remote database cannot be reached: ${error.message}`);
	});
	return { d1: proxy.env.DB, close: proxy.dispose };
}

/** Brings the local database to the newest schema. Throws a Failure with wrangler's own words. */
export function applyLocalMigrations(persistTo: string | undefined): void {
	checkLocalFolder(persistTo);
	const folder = persistTo === undefined ? [] : ['--persist-to', resolve(persistTo)];
	wrangler('d1', 'migrations', 'apply', 'DB', '--local', ...folder);
}

/** Throws a Failure unless local data can be written: wrangler shows a stack trace on a file, and hangs on a read-only folder. */
function checkLocalFolder(persistTo: string | undefined): void {
	const folder = persistTo === undefined ? join(ROOT, '.wrangler/state') : resolve(persistTo);
	const databases = join(folder, 'v3/d1');
	try {
		makeFolder(databases);
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

/** Creates a folder and those above it. Not by `recursive`, with which Node never returns in places such as /proc. */
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
 * Writes a configuration with wrangler.toml's databases alone, and returns its path. There is no Worker in this process, so
 * workerd would warn that the class of the hubs is missing.
 */
async function localConfig(): Promise<string> {
	const { unstable_readConfig } = await import('wrangler');
	const { name, compatibility_date, d1_databases } = unstable_readConfig({ config: CONFIG });
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
 * Writes a configuration with wrangler.toml's DB alone, marked as remote, and returns its path. The mark would make
 * `wrangler dev` need a login if it stood in wrangler.toml; a remote binding needs the id, which differs by account.
 */
async function remoteConfig(): Promise<string> {
	const { unstable_readConfig } = await import('wrangler');
	const { name, compatibility_date, account_id } = unstable_readConfig({ config: CONFIG });
	const database = (await configuredDatabases()).find(({ binding }) => binding === 'DB');
	if (!database) throw new Failure('wrangler.toml has no D1 database with the binding DB.');
	const id = remoteDatabaseId(database.name);
	if (id === undefined) {
		throw new Failure(`The database ${database.name} does not exist yet: run \`npm run deploy\` first.`);
	}
	const d1_databases = [{ binding: 'DB', database_name: database.name, database_id: id, remote: true }];
	return writeConfig('remote-database.json', { name, compatibility_date, account_id, d1_databases });
}

import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Which D1 database a command works on. */
export interface D1Choice {
	remote: boolean;
	/** The folder that `wrangler dev --persist-to` was given; undefined for wrangler's own. */
	persistTo: string | undefined;
}

const CONFIG = resolve(import.meta.dirname, '../wrangler.toml');

/**
 * Opens the database of wrangler.toml through wrangler: the local one, or the remote one with the account that wrangler
 * is logged in to, by a remote binding. Bound parameters work in both, as they do not in `wrangler d1 execute`.
 */
export async function openD1(choice: D1Choice): Promise<{ d1: D1Database; close: () => Promise<void> }> {
	// It says on standard output that it found a .dev.vars, before the JSON that a program waits for there.
	process.env.WRANGLER_LOG ??= 'error';
	// Loaded here, because it takes a second: a command that is only misspelt should not wait for it.
	const { getPlatformProxy } = await import('wrangler');
	const proxy = await getPlatformProxy<{ DB: D1Database }>(
		choice.remote
			? { configPath: await remoteConfig() }
			: {
					configPath: CONFIG,
					remoteBindings: false,
					...(choice.persistTo === undefined
						? {}
						: { persist: { path: join(resolve(choice.persistTo), 'v3') } }),
				},
	);
	return { d1: proxy.env.DB, close: proxy.dispose };
}

/** For wrangler's own commands. No question, no usage report, no look for a newer version: nothing needs a network. */
export const quiet = {
	...process.env,
	CI: 'true',
	WRANGLER_SEND_METRICS: 'false',
	WRANGLER_HIDE_BANNER: 'true',
};

/** Brings the local database to the newest schema. Ends the process with wrangler's own words when that fails. */
export function applyLocalMigrations(persistTo: string | undefined): void {
	const { status, stdout, stderr } = spawnSync(
		'wrangler',
		[
			...['d1', 'migrations', 'apply', 'DB', '--local'],
			...(persistTo === undefined ? [] : ['--persist-to', resolve(persistTo)]),
		],
		{ cwd: resolve(import.meta.dirname, '..'), env: quiet, encoding: 'utf8' },
	);
	if (status === 0) return;
	console.error(stdout, stderr);
	process.exit(status ?? 1);
}

/** wrangler.toml's database alone, marked as remote. Kept out of wrangler.toml, where it would make `dev` need a login. */
async function remoteConfig(): Promise<string> {
	const { unstable_readConfig } = await import('wrangler');
	const { name, compatibility_date, account_id, d1_databases } = unstable_readConfig({ config: CONFIG });
	const folder = resolve(import.meta.dirname, '../.wrangler');
	const path = join(folder, 'remote-database.json');
	await mkdir(folder, { recursive: true });
	const databases = d1_databases.map((database: object) => ({ ...database, remote: true }));
	await writeFile(path, JSON.stringify({ name, compatibility_date, account_id, d1_databases: databases }));
	return path;
}

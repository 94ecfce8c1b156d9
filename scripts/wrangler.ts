import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseSettings, type Settings } from '../src/core/settings.ts';
import { Failure } from './failure.ts';

export const ROOT = resolve(import.meta.dirname, '..');
export const CONFIG = join(ROOT, 'wrangler.toml');

/**
 * Returns the environment for wrangler's commands: without prompts, and without the usage report and the update check, so
 * that a local command needs no network.
 */
export const quiet = () => ({
	...process.env,
	CI: 'true',
	WRANGLER_SEND_METRICS: 'false',
	WRANGLER_HIDE_BANNER: 'true',
});

function run(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
	const { error, status, stdout, stderr } = spawnSync('wrangler', args, {
		cwd: ROOT,
		env: quiet(),
		encoding: 'utf8',
	});
	if (error) throw new Failure(`wrangler cannot be started: ${error.message}. Run \`npm ci\` first.`);
	return { status, stdout, stderr };
}

/** Runs a wrangler command and returns its standard output. Throws a Failure with its whole output when it fails. */
export function wrangler(...args: string[]): string {
	const { status, stdout, stderr } = run(args);
	if (status !== 0) throw new Failure(`${stdout}${stderr}`.trim());
	return stdout;
}

/**
 * Throws a Failure when wrangler is not logged in. Without this check, wrangler's own message says that the terminal is not
 * interactive, because its questions are turned off here. Any other failure is left to the command that comes next.
 */
export function requireLogin(): void {
	const { stdout } = run(['whoami', '--json']);
	if (!/"loggedIn":\s*false/.test(stdout)) return;
	throw new Failure(
		'wrangler is not logged in to a Cloudflare account: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.',
	);
}

/**
 * Returns the configuration in wrangler.toml: that of the environment that CLOUDFLARE_ENV names, if there is one. Throws a
 * Failure with wrangler's message when the file is invalid or does not have the environment.
 */
export async function readConfig() {
	// Loading wrangler takes a second, so load it only when it is needed.
	const { unstable_readConfig } = await import('wrangler');
	const config = (() => {
		try {
			return unstable_readConfig({ config: CONFIG }, { hideWarnings: true });
		} catch (error) {
			throw new Failure(error instanceof Error ? error.message : String(error));
		}
	})();
	const { targetEnvironment, definedEnvironments = [] } = config;
	// Where no environment is defined at all, wrangler would use the databases of production.
	if (targetEnvironment && !definedEnvironments.includes(targetEnvironment)) {
		throw new Failure(
			`CLOUDFLARE_ENV is "${targetEnvironment}", and wrangler.toml has no [env.${targetEnvironment}].`,
		);
	}
	return config;
}

/** A D1 database of wrangler.toml. */
export interface ConfiguredDatabase {
	binding: string;
	name: string;
}

/**
 * Returns the D1 databases of wrangler.toml, in its order. Throws a Failure when a database has no `database_name`, or the
 * same one as another: a list of sessions would then contain each session of that database twice.
 */
export async function configuredDatabases(): Promise<ConfiguredDatabase[]> {
	const { d1_databases } = await readConfig();
	const databases: ConfiguredDatabase[] = [];
	for (const { binding, database_name: name } of d1_databases) {
		if (!name) throw new Failure(`wrangler.toml: ${binding} needs a database_name.`);
		const other = databases.find((earlier) => earlier.name === name);
		if (other) {
			throw new Failure(
				`wrangler.toml: ${other.binding} and ${binding} have the same database_name "${name}". Each needs a database of its own.`,
			);
		}
		databases.push({ binding, name });
	}
	return databases;
}

/** Returns the names of the queues of wrangler.toml. */
export async function configuredQueues(): Promise<string[]> {
	const { queues } = await readConfig();
	const named = [...(queues.producers ?? []), ...(queues.consumers ?? [])];
	return [...new Set(named.map(({ queue }) => queue))];
}

/** Returns a setting as it is written in wrangler.toml, or undefined when it is missing there. */
export async function configuredVar(name: string): Promise<string | undefined> {
	const value = (await readConfig()).vars[name];
	return value === undefined ? undefined : String(value);
}

/** Returns the settings of wrangler.toml. Throws a Failure that names each invalid setting. */
export async function configuredSettings(): Promise<Settings> {
	const { vars, d1_databases } = await readConfig();
	const bound = Object.fromEntries(d1_databases.map(({ binding }: { binding: string }) => [binding, true]));
	try {
		return parseSettings({ ...vars, ...bound });
	} catch (error) {
		throw new Failure(error instanceof Error ? error.message : String(error));
	}
}

/**
 * Returns the id of a database in the account that wrangler is logged in to, or undefined when the database does not
 * exist. Throws a Failure when the look-up fails, for example without a network. `options` are further arguments of wrangler.
 */
export function remoteDatabaseId(name: string, ...options: string[]): string | undefined {
	try {
		return JSON.parse(wrangler('d1', 'info', name, '--json', ...options)).uuid;
	} catch (error) {
		// wrangler's exit code is 1 for every failure. Only this message means that the API returned 404.
		if (error instanceof Failure && error.message.includes("Couldn't find a D1 DB")) return undefined;
		throw error;
	}
}

/** Returns whether the account has a queue. Throws a Failure when the look-up fails. `options` are further arguments of wrangler. */
export function isRemoteQueue(name: string, ...options: string[]): boolean {
	try {
		wrangler('queues', 'info', name, ...options);
		return true;
	} catch (error) {
		if (error instanceof Failure && error.message.includes(`Queue "${name}" does not exist`)) return false;
		throw error;
	}
}

/**
 * `npm run deploy`: checks the settings of wrangler.toml, creates the D1 databases that the account does not have yet, applies
 * the migrations to each database, and uploads the Worker. Each step keeps what an earlier run has done, so the command can
 * run again after any failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseName, type PlacedDatabase } from '../src/core/placement-setting.ts';
import { exitCodeOf, Failure } from './failure.ts';
import {
	type ConfiguredDatabase,
	configuredDatabases,
	configuredSettings,
	quiet,
	ROOT,
	remoteDatabaseId,
	wrangler,
} from './wrangler.ts';

/** Finds the table of events as versions before 0.2.0 had it. No migration leads from their schema to the current one. */
const EARLIER_SCHEMA = "SELECT 1 FROM sqlite_schema WHERE name = 'events' AND sql LIKE '%number INTEGER%'";

/** Throws a Failure when a database has the schema of an earlier version. */
function refuseEarlierSchema(name: string): void {
	const [result] = JSON.parse(
		wrangler('d1', 'execute', name, '--remote', '--json', '--command', EARLIER_SCHEMA),
	);
	if (result?.results?.length === 0) return;
	throw new Failure(
		`The database ${name} is of an earlier version, and nothing was changed. Choose another database_name for it in wrangler.toml and deploy again: that creates a new database. Create the API keys again with \`npm run keys\`. The sessions stay in the old database, which you can delete with \`npx wrangler d1 delete ${name}\`.`,
	);
}

/**
 * Creates each missing database, and then applies the migrations to every database. A database cannot be moved later, so it
 * is created at the first place that PLACEMENT gives it. D1 selects the place of a database that PLACEMENT does not name.
 * Changes nothing when an existing database has the schema of an earlier version.
 */
export function prepareDatabases(
	databases: readonly ConfiguredDatabase[],
	placed: readonly PlacedDatabase[],
	say: (line: string) => void = console.log,
): void {
	say('Step 1 of 3: the databases of wrangler.toml');
	const existing = databases.filter(({ name }) => remoteDatabaseId(name) !== undefined);
	for (const { name } of existing) {
		refuseEarlierSchema(name);
		say(`  ${name}: exists`);
	}
	for (const { binding, name } of databases) {
		if (existing.some((other) => other.name === name)) continue;
		// The output of this command is not shown: it asks for a database_id in wrangler.toml, which is not needed.
		const [location] = placed.find(({ number }) => databaseName(number) === binding)?.hints ?? [];
		wrangler('d1', 'create', name, ...(location ? ['--location', location] : []));
		say(`  ${name}: created`);
	}
	say('\nStep 2 of 3: the migrations of each database');
	for (const { binding } of databases) {
		runVisibly(['d1', 'migrations', 'apply', binding, '--remote'], quiet());
	}
}

/** Uploads the Worker and returns its URLs. */
function uploadWorker(): string[] {
	console.log('\nStep 3 of 3: the Worker');
	const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
	const output = join(folder, 'output.ndjson');
	try {
		// Not quiet: in a new account wrangler asks for the name of the workers.dev subdomain.
		runVisibly(['deploy'], { ...process.env, WRANGLER_OUTPUT_FILE_PATH: output });
		const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
		const deployed = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'deploy');
		// If the user has answered one of wrangler's questions with no, wrangler exits with 0 but has not uploaded anything.
		if (!deployed?.version_id) throw new Failure('wrangler did not upload the Worker.');
		return urlsOf(deployed.targets ?? []);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** wrangler lists cron schedules among the targets, and custom domains without `https://`. */
const urlsOf = (targets: readonly string[]): string[] =>
	targets
		.map((target) => target.replace(/^(\S+) \(custom domain\)$/, 'https://$1'))
		.filter((target) => target.startsWith('https://'));

/** Runs a wrangler command whose output goes to the terminal as it comes. Throws when the command fails. */
function runVisibly(args: readonly string[], env: NodeJS.ProcessEnv): void {
	const { error, status } = spawnSync('wrangler', args, { cwd: ROOT, env, stdio: 'inherit' });
	if (error || status !== 0) throw new Failure(error?.message ?? `wrangler ${args.join(' ')} failed.`);
}

const RUN_AGAIN =
	'The deployment stopped at this step. Run `npm run deploy` again: it keeps what earlier runs have done.';
const NO_URL = 'The Worker is deployed, but no URL leads to it: set workers_dev or routes in wrangler.toml.';

async function deploy(): Promise<void> {
	if (process.argv.length > 2) {
		throw new Failure('npm run deploy takes no arguments: wrangler.toml says what is deployed.', 2);
	}
	const databases = await configuredDatabases();
	// A Worker with an invalid setting answers every request with INTERNAL_ERROR, so nothing is changed for such settings.
	const { PLACEMENT: placed } = await configuredSettings();
	try {
		prepareDatabases(databases, placed);
		const urls = uploadWorker();
		const place = urls.length > 0 ? `The service runs at ${urls.join(' and ')}` : NO_URL;
		console.log(`\n${place}\n\nMake the first key:\n  npm run keys -- create --user YOU --remote`);
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		throw new Failure(`\n${error.message}\n\n${RUN_AGAIN}`);
	}
}

if (import.meta.main) process.exit(await exitCodeOf(deploy));

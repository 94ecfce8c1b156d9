/**
 * `npm run deploy`: checks the settings of wrangler.toml, creates the D1 databases and the queues that the account does not have
 * yet, applies the migrations to each database, and uploads the Worker. Each step keeps what an earlier run has done, so the command can
 * run again after any failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseName, type PlacedDatabase } from '../src/core/placement-setting.ts';
import { parseArguments } from './arguments.ts';
import { exitAfter, Failure } from './failure.ts';
import { checkedJurisdiction, jurisdictions } from './jurisdiction.ts';
import { firstKey } from './temporary-key.ts';
import {
	type ConfiguredDatabase,
	configuredDatabases,
	configuredQueues,
	configuredSettings,
	isRemoteQueue,
	quiet,
	ROOT,
	remoteDatabaseId,
	requireLogin,
	wrangler,
} from './wrangler.ts';

/** Finds the table of events as versions before 0.2.0 had it. No migration leads from their schema to the current one. */
const EARLIER_SCHEMA = "SELECT 1 FROM sqlite_schema WHERE name = 'events' AND sql LIKE '%number INTEGER%'";

const HELP = `npm run deploy -- [--jurisdiction ${jurisdictions.join('|')}] [--temporary]

Creates the D1 databases and the queues of wrangler.toml that the account does not have yet, applies the migrations, and uploads
the Worker. Run it again after any failure. The environment variable CLOUDFLARE_ENV names an environment of wrangler.toml.

--jurisdiction is where databases and queues that are created now keep their data. An existing one cannot get one.
--temporary deploys to a new account of wrangler's that ends after an hour unless you claim it, without a login.`;

/** Throws a Failure when a database has the schema of an earlier version. */
function refuseEarlierSchema(name: string, more: readonly string[]): void {
	const [result] = JSON.parse(
		wrangler('d1', 'execute', name, '--remote', '--json', '--command', EARLIER_SCHEMA, ...more),
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
	{ jurisdiction, more }: Options,
	say: (line: string) => void = console.log,
): void {
	say('Step 1 of 3: the databases of wrangler.toml');
	const existing = databases.filter(({ name }) => remoteDatabaseId(name, ...more) !== undefined);
	for (const { name } of existing) {
		refuseEarlierSchema(name, more);
		say(`  ${name}: exists`);
	}
	for (const { binding, name } of databases) {
		if (existing.some((other) => other.name === name)) continue;
		// The output of this command is not shown: it asks for a database_id in wrangler.toml, which is not needed.
		const [location] = placed.find(({ number }) => databaseName(number) === binding)?.hints ?? [];
		const hint = location ? ['--location', location] : [];
		const place = jurisdiction ? ['--jurisdiction', jurisdiction] : hint;
		wrangler('d1', 'create', name, ...place, ...more);
		say(`  ${name}: created`);
	}
	say('\nStep 2 of 3: the migrations of each database');
	for (const { binding } of databases) {
		runVisibly(['d1', 'migrations', 'apply', binding, '--remote', ...more], quiet());
	}
}

/** Creates each missing queue. Without its queue, wrangler does not upload the Worker. */
function prepareQueues(names: readonly string[], { jurisdiction, more }: Options): void {
	for (const name of names) {
		const exists = isRemoteQueue(name, ...more);
		const place = jurisdiction ? ['--jurisdiction', jurisdiction] : [];
		if (!exists) wrangler('queues', 'create', name, ...place, ...more);
		console.log(`  ${name}: ${exists ? 'exists' : 'created'}`);
	}
}

/** Uploads the Worker and returns its URLs. */
function uploadWorker(more: readonly string[]): string[] {
	const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
	const output = join(folder, 'output.ndjson');
	try {
		// Not quiet: in a new account wrangler asks for the name of the workers.dev subdomain.
		runVisibly(['deploy', ...more], { ...process.env, WRANGLER_OUTPUT_FILE_PATH: output });
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

/** What the arguments say. */
interface Options {
	jurisdiction?: string | undefined;
	/** Further arguments of each wrangler command. */
	more: readonly string[];
}

async function deploy(): Promise<void> {
	const { values } = parseArguments(
		{
			options: {
				jurisdiction: { type: 'string' },
				temporary: { type: 'boolean', default: false },
				help: { type: 'boolean' },
			},
		},
		HELP,
	);
	if (values.help) return console.log(HELP);
	const { temporary } = values;
	const jurisdiction = values.jurisdiction && checkedJurisdiction(values.jurisdiction);
	const options = { jurisdiction, more: temporary ? ['--temporary'] : [] };
	const databases = await configuredDatabases();
	const queues = await configuredQueues();
	// A Worker with an invalid setting answers every request with INTERNAL_ERROR, so nothing is changed for such settings.
	const { PLACEMENT: placed } = await configuredSettings();
	// wrangler refuses --temporary itself when it is logged in.
	if (!temporary) requireLogin();
	try {
		prepareDatabases(databases, placed, options);
		console.log('\nStep 3 of 3: the Worker, with its queue');
		prepareQueues(queues, options);
		const urls = uploadWorker(options.more);
		const place = urls.length > 0 ? `The service runs at ${urls.join(' and ')}` : NO_URL;
		console.log(`\n${place}\n\n${temporary ? await firstKey() : MAKE_A_KEY}`);
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		throw new Failure(`\n${error.message}\n\n${RUN_AGAIN}`);
	}
}

const MAKE_A_KEY = 'Make the first key:\n  npm run keys -- create --user YOU --remote';

if (import.meta.main) await exitAfter(deploy);

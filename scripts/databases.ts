/**
 * `npm run databases`: adds a D1 database for sessions, and lists the D1 databases of wrangler.toml. With `-- --help` it
 * prints its usage.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { boundNumbers, databaseName, isLocationHint, locationHints } from '../src/core/placement-setting.ts';
import { MAX_DATABASE_NUMBER } from '../src/core/session-id.ts';
import { parseArguments, unknownCommand } from './arguments.ts';
import { choiceOf, choiceOptions } from './database-choice.ts';
import { exitCodeOf, Failure, usageError } from './failure.ts';
import { applyLocalMigrations, openD1s } from './open-d1.ts';
import { table } from './table.ts';
import {
	CONFIG,
	configuredDatabases,
	configuredSettings,
	configuredVar,
	remoteDatabaseId,
	wrangler,
} from './wrangler.ts';

const HELP = `npm run databases -- add --location ${locationHints.join('|')}
npm run databases -- list [--json] [--local [--persist-to DIR] | --remote]

add creates a database at a place of D1, in the account that wrangler is logged in to, binds it in wrangler.toml under the
next number, and applies the migrations. list shows the size and the rows of each database, and the places whose new
sessions it takes. It reads the local databases, whose folder --persist-to names as in wrangler, or with --remote the
deployed ones.`;

const readArguments = () =>
	parseArguments(
		{
			allowPositionals: true,
			options: {
				location: { type: 'string' },
				json: { type: 'boolean' },
				...choiceOptions,
				help: { type: 'boolean' },
			},
		},
		HELP,
	);
type Options = ReturnType<typeof readArguments>['values'];

/** Returns the text of wrangler.toml with one more database, after the last one. Everything else stays as it is. */
export function withDatabase(toml: string, binding: string, name: string): string {
	const lines = toml.split('\n');
	const header = lines.findLastIndex((line) => /^\s*\[\[\s*d1_databases\s*\]\]/.test(line));
	if (header < 0)
		throw new Failure(
			'wrangler.toml has no [[d1_databases]] table. Declare each D1 database in such a table.',
		);
	const isOfTable = (line: string) => /^\s*[\w"'-]+\s*=/.test(line);
	let end = header + 1;
	for (let at = header + 1; at < lines.length && !/^\s*\[/.test(lines[at] ?? ''); at += 1) {
		if (isOfTable(lines[at] ?? '')) end = at + 1;
	}
	const added = [
		'',
		'[[d1_databases]]',
		`binding = "${binding}"`,
		`database_name = "${name}"`,
		'migrations_dir = "migrations"',
	];
	return [...lines.slice(0, end), ...added, ...lines.slice(end)].join('\n');
}

async function add({ location }: Options): Promise<void> {
	if (location === undefined) throw usageError(`add needs --location: one of ${locationHints.join(', ')}.`);
	if (!isLocationHint(location)) {
		throw usageError(`--location: "${location}" is not a place of D1. Use ${locationHints.join(', ')}.`);
	}
	const databases = await configuredDatabases();
	const main = databases.find(({ binding }) => binding === 'DB');
	if (!main) throw new Failure('wrangler.toml has no D1 database with the binding DB.');
	const numbers = boundNumbers(Object.fromEntries(databases.map(({ binding }) => [binding, true])));
	const number = Math.max(...numbers) + 1;
	if (number > MAX_DATABASE_NUMBER)
		throw new Failure(
			`wrangler.toml binds ${databaseName(MAX_DATABASE_NUMBER)}, and no higher number is possible.`,
		);
	const binding = databaseName(number);
	const name = `${main.name}-${number}`;
	if (remoteDatabaseId(name) === undefined) {
		wrangler('d1', 'create', name, '--location', location);
		console.log(`${name}: created in ${location}`);
	} else {
		// An earlier run may have created it and then failed. Its place cannot be changed, so `location` has no effect on it.
		console.log(`${name}: exists already`);
	}
	writeFileSync(CONFIG, withDatabase(readFileSync(CONFIG, 'utf8'), binding, name));
	console.log(`wrangler.toml: ${binding} is bound`);
	try {
		wrangler('d1', 'migrations', 'apply', binding, '--remote');
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		throw new Failure(`${error.message}\n\n\`npm run deploy\` applies the migrations, too.`);
	}
	console.log(`${name}: the migrations are applied`);
	const placement = (await configuredVar('PLACEMENT')) || 'DB=enam';
	const unnamed = databases.filter(
		(other) => !placement.split(/\s+/).some((entry) => entry.startsWith(`${other.binding}=`)),
	);
	console.log(`
${binding} gets no sessions until PLACEMENT names it. Set this in wrangler.toml${placement === 'DB=enam' ? ', with the place of DB instead of enam' : ''}:

PLACEMENT = "${placement} ${binding}=${location}"
${unnamed.map((other) => `\n${other.binding} is not named there, so it gets no new sessions. Add it if it should get some.\n`).join('')}
Then run \`npm run deploy\`.`);
}

async function list(options: Options): Promise<void> {
	const choice = choiceOf(options);
	const databases = await configuredDatabases();
	const { PLACEMENT: placed } = await configuredSettings();
	if (!choice.remote) {
		for (const { binding } of databases) applyLocalMigrations(choice.persistTo, binding);
	}
	const takes = (binding: string) => {
		if (placed.length === 0) return binding === 'DB' ? 'all' : 'none';
		return placed.find(({ number }) => databaseName(number) === binding)?.hints.join(',') ?? 'none';
	};
	const { d1s, close } = await openD1s(choice);
	try {
		const rows = [];
		for (const { binding, name } of databases) {
			const d1 = d1s.get(binding);
			if (!d1) continue;
			const { results, meta } = await d1
				.prepare(
					'SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM api_keys) AS keys',
				)
				.all<{ sessions: number; events: number; keys: number }>();
			const [counts = { sessions: 0, events: 0, keys: 0 }] = results;
			rows.push({ binding, name, newSessions: takes(binding), bytes: meta.size_after, ...counts });
		}
		if (options.json) return console.log(JSON.stringify(rows));
		const lines = rows.map((row) => [
			row.binding,
			row.name,
			row.newSessions,
			`${(row.bytes / 1e6).toFixed(1)} MB`,
			...[row.sessions, row.events, row.keys].map(String),
		]);
		console.log(table([['BINDING', 'NAME', 'NEW SESSIONS', 'SIZE', 'SESSIONS', 'EVENTS', 'KEYS'], ...lines]));
	} finally {
		await close();
	}
}

async function main(): Promise<void> {
	const { values, positionals } = readArguments();
	const [command = '', foreign] = positionals;
	if (command === 'help' || values.help) return console.log(HELP);
	if (foreign !== undefined) throw usageError(`${command} does not take the argument "${foreign}".`);
	if (command === 'add') {
		const option = Object.keys(values).find((each) => each !== 'location');
		if (option) throw usageError(`add does not take --${option}.`);
		return add(values);
	}
	if (command !== 'list') throw unknownCommand(command, HELP);
	if (values.location !== undefined) throw usageError('list does not take --location.');
	return list(values);
}

if (import.meta.main) process.exit(await exitCodeOf(main));

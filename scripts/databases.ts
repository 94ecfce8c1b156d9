/**
 * `npm run databases`: adds a D1 database for sessions, and lists the D1 databases of wrangler.toml. With `-- --help` it
 * prints its usage.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { boundNumbers, databaseName, isLocationHint, locationHints } from '../src/core/placement-setting.ts';
import { MAX_DATABASE_NUMBER } from '../src/core/session-id.ts';
import { parseArguments, unknownCommand } from './arguments.ts';
import { choiceOf, choiceOptions } from './database-choice.ts';
import { exitAfter, Failure, usageError } from './failure.ts';
import { checkedJurisdiction, jurisdictions } from './jurisdiction.ts';
import { applyLocalMigrations, openD1s } from './open-d1.ts';
import { table } from './table.ts';
import {
	CONFIG,
	configuredDatabases,
	configuredSettings,
	configuredVar,
	remoteDatabaseId,
	requireLogin,
	wrangler,
} from './wrangler.ts';

const HELP = `npm run databases -- add --location ${locationHints.join('|')}
npm run databases -- add --jurisdiction ${jurisdictions.join('|')}
npm run databases -- list [--json] [--local [--persist-to DIR] | --remote]

add creates a database at a place of D1, in the account that wrangler is logged in to, binds it in wrangler.toml under the
next number, and applies the migrations. A database with a jurisdiction keeps its data there; it cannot get one later. list
shows the size and the rows of each database, and the places whose new
sessions it takes. It reads the local databases, whose folder --persist-to names as in wrangler, or with --remote the
deployed ones. The environment variable CLOUDFLARE_ENV names an environment of wrangler.toml.`;

const readArguments = () =>
	parseArguments(
		{
			allowPositionals: true,
			options: {
				location: { type: 'string' },
				jurisdiction: { type: 'string' },
				json: { type: 'boolean' },
				...choiceOptions,
				help: { type: 'boolean' },
			},
		},
		HELP,
	);
type Options = ReturnType<typeof readArguments>['values'];

/**
 * Returns the text of wrangler.toml with one more database, after the last one of the same environment. Everything else stays as
 * it is.
 */
export function withDatabase(toml: string, binding: string, name: string, environment?: string): string {
	const lines = toml.split('\n');
	const table = environment === undefined ? 'd1_databases' : `env.${environment}.d1_databases`;
	const header = lines.findLastIndex((line) => line.replaceAll(/[\s"']/g, '').startsWith(`[[${table}]]`));
	if (header < 0)
		throw new Failure(`wrangler.toml has no [[${table}]] table. Declare each D1 database in such a table.`);
	const isOfTable = (line: string) => /^\s*[\w"'-]+\s*=/.test(line);
	let end = header + 1;
	for (let at = header + 1; at < lines.length && !/^\s*\[/.test(lines[at] ?? ''); at += 1) {
		if (isOfTable(lines[at] ?? '')) end = at + 1;
	}
	const added = [
		'',
		`[[${table}]]`,
		`binding = "${binding}"`,
		`database_name = "${name}"`,
		'migrations_dir = "migrations"',
	];
	return [...lines.slice(0, end), ...added, ...lines.slice(end)].join('\n');
}

/** The arguments of `wrangler d1 create` for the place that the options choose, and the hints for PLACEMENT. */
function placeOf({ location, jurisdiction }: Options): { args: string[]; hints: string } {
	if (jurisdiction !== undefined) {
		if (location !== undefined)
			throw usageError('--jurisdiction cannot be combined with --location: D1 ignores the place.');
		return {
			args: ['--jurisdiction', checkedJurisdiction(jurisdiction)],
			hints: HINTS_OF[jurisdiction] ?? '',
		};
	}
	if (location === undefined) {
		throw usageError(
			`add needs --location: one of ${locationHints.join(', ')}. Or --jurisdiction: one of ${jurisdictions.join(', ')}.`,
		);
	}
	if (!isLocationHint(location)) {
		throw usageError(`--location: "${location}" is not a place of D1. Use ${locationHints.join(', ')}.`);
	}
	return { args: ['--location', location], hints: location };
}

/** The places of D1 in each jurisdiction. */
const HINTS_OF: Record<string, string> = { eu: 'weur,eeur', fedramp: 'wnam,enam', us: 'wnam,enam' };

async function add(options: Options): Promise<void> {
	const { args, hints } = placeOf(options);
	requireLogin();
	const databases = await configuredDatabases();
	const main = databases.find(({ binding }) => binding === 'DB');
	if (!main) throw new Failure('wrangler.toml has no D1 database with the binding DB.');
	const numbers = boundNumbers(Object.fromEntries(databases.map(({ binding }) => [binding, true])));
	const number = Math.max(...numbers) + 1;
	if (number > MAX_DATABASE_NUMBER)
		throw new Failure(
			`wrangler.toml binds ${databaseName(MAX_DATABASE_NUMBER)}, and no higher number is possible.`,
		);
	const environment = process.env.CLOUDFLARE_ENV || undefined;
	const binding = databaseName(number);
	const name = `${main.name}-${number}`;
	if (remoteDatabaseId(name) === undefined) {
		wrangler('d1', 'create', name, ...args);
		console.log(`${name}: created in ${args[1]}`);
	} else {
		// An earlier run may have created it and then failed. Its place cannot be changed, so the options have no effect on it.
		console.log(`${name}: exists already`);
	}
	writeFileSync(CONFIG, withDatabase(readFileSync(CONFIG, 'utf8'), binding, name, environment));
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

PLACEMENT = "${placement} ${binding}=${hints}"
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
		const option = Object.keys(values).find((each) => each !== 'location' && each !== 'jurisdiction');
		if (option) throw usageError(`add does not take --${option}.`);
		return add(values);
	}
	if (command !== 'list') throw unknownCommand(command, HELP);
	const foreignOption = (['location', 'jurisdiction'] as const).find((each) => values[each] !== undefined);
	if (foreignOption) throw usageError(`list does not take --${foreignOption}.`);
	return list(values);
}

if (import.meta.main) await exitAfter(main);

/**
 * `npm run callers`: shows what callers store, and deletes all of a caller. `npm run callers -- --help` prints how.
 */
import type { Owner } from '../src/core/principal.ts';
import { openDatabase } from '../src/database/database.ts';
import { faultText } from '../src/database/faults.ts';
import { parseArguments, unknownCommand } from './arguments.ts';
import { list, type OpenedDatabases, type Options, purge, show } from './callers/commands.ts';
import { choiceOf, choiceOptions, type D1Choice } from './database-choice.ts';
import { exitCodeOf, Failure, usageError } from './failure.ts';
import { applyLocalMigrations, openD1s } from './open-d1.ts';
import { configuredDatabases } from './wrangler.ts';

const HELP = `npm run callers -- list
npm run callers -- show USER [--org O]
npm run callers -- purge USER [--org O] [--yes]

list shows the callers that store the most, show one of them: sessions, events, bytes, keys, webhooks and the last use, in all databases.
purge deletes the API keys, the webhooks and the sessions of a caller, for good. It asks before it does so, unless --yes is there. It can be
run again. A caller is a user in an organization, or in none: without --org, it is the user in none.

Each command takes --json, and either --local (the default; with --persist-to DIR as in wrangler) or --remote.`;

const readArguments = () =>
	parseArguments(
		{
			allowPositionals: true,
			options: {
				org: { type: 'string' },
				yes: { type: 'boolean' },
				json: { type: 'boolean' },
				...choiceOptions,
				help: { type: 'boolean' },
			},
		},
		HELP,
	);

/** A statement of these commands reads a thousand sessions, also through a remote binding. */
const TRIP_MS = 60_000;

async function main(): Promise<void> {
	const { values, positionals } = readArguments();
	const [name = '', user, foreign] = positionals;
	if (name === 'help' || values.help) return console.log(HELP);
	if (!['list', 'show', 'purge'].includes(name)) throw unknownCommand(name, HELP);
	const tooMany = name === 'list' ? user : foreign;
	if (tooMany !== undefined) throw usageError(`${name} does not take the argument "${tooMany}".`);
	if (values.yes && name !== 'purge') throw usageError(`${name} does not take --yes.`);
	if (values.org !== undefined && name === 'list') throw usageError('list does not take --org.');
	if (values.org?.trim() === '') throw usageError('--org takes the id of an organization.');
	if (user?.trim() === '' || (name !== 'list' && user === undefined)) {
		throw usageError(`${name} needs the id of a user.`);
	}
	const owner: Owner = { userId: user ?? '', organizationId: values.org ?? null };
	const options: Options = { json: values.json, yes: values.yes };
	await onDatabases(choiceOf(values), async (databases) => {
		if (name === 'list') return list(databases, options);
		return name === 'show' ? show(databases, options, owner) : purge(databases, options, owner);
	});
}

/** Runs a command on all databases of wrangler.toml. */
async function onDatabases(
	choice: D1Choice,
	run: (databases: OpenedDatabases) => Promise<void>,
): Promise<void> {
	const bindings = (await configuredDatabases()).map(({ binding }) => binding);
	if (!choice.remote) for (const binding of bindings) applyLocalMigrations(choice.persistTo, binding);
	const { d1s, close } = await openD1s(choice);
	try {
		const opened = bindings.flatMap((binding) => {
			const d1 = d1s.get(binding);
			return d1 ? [[binding, openDatabase(d1, undefined, { name: binding, tripMs: TRIP_MS })] as const] : [];
		});
		await run(new Map(opened));
	} catch (error) {
		if (!/no such table/.test(faultText(error))) throw error;
		throw new Failure('The remote database has no tables yet: run `npm run deploy` first.');
	} finally {
		await close();
	}
}

process.exit(await exitCodeOf(main));

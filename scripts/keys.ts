/**
 * `npm run keys`: creates, lists, revokes and rotates API keys. `npm run keys -- --help` prints how.
 */
import { openDatabase } from '../src/database/database.ts';
import { exitCodeOf, Failure, usageError } from './failure.ts';
import { checkArguments, HELP, type Options, readArguments } from './keys/arguments.ts';
import { commands, type OpenDatabase } from './keys/commands.ts';
import { applyLocalMigrations, openD1 } from './open-d1.ts';

async function main(): Promise<void> {
	const { values, positionals } = readArguments();
	const [name = '', id = ''] = positionals;
	if (name === 'help' || values.help) return console.log(HELP);
	const command = commands.get(name);
	if (!command) {
		throw usageError(`${name === '' ? 'Missing command.' : `Unknown command: ${name}.`}\n\n${HELP}`);
	}
	checkArguments(name, command, { values, positionals });
	const run = () => onDatabase(values, (open) => command.run(open, values, id));
	try {
		await run();
	} catch (error) {
		if (!isWithoutTables(error)) throw error;
		if (values.remote) {
			throw new Failure('The remote database has no tables yet: run `npm run deploy` first.');
		}
		// The local database is new, and the command has changed nothing yet.
		applyLocalMigrations(values['persist-to']);
		await run();
	}
}

const isWithoutTables = (error: unknown): boolean =>
	error instanceof Error && /no such table/.test(error.message);

/** Runs a command with a function that opens the database on demand. */
async function onDatabase(values: Options, run: (open: OpenDatabase) => Promise<void>): Promise<void> {
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

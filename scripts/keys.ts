/**
 * `npm run keys`: creates, lists, revokes and rotates API keys. `npm run keys -- --help` prints how.
 */
import { openDatabase } from '../src/database/database.ts';
import { faultKind } from '../src/database/faults.ts';
import { unknownCommand } from './arguments.ts';
import { choiceOf, type D1Choice } from './database-choice.ts';
import { exitAfter, Failure } from './failure.ts';
import { checkArguments, HELP, readArguments } from './keys/arguments.ts';
import { commands, type OpenDatabase } from './keys/commands.ts';
import { applyLocalMigrations, openD1 } from './open-d1.ts';

async function main(): Promise<void> {
	const { values, positionals } = readArguments();
	const [name = '', id = ''] = positionals;
	if (name === 'help' || values.help) return console.log(HELP);
	const command = commands.get(name);
	if (!command) throw unknownCommand(name, HELP);
	checkArguments(name, command, { values, positionals });
	const choice = choiceOf(values);
	const run = () => onDatabase(choice, (open) => command.run(open, values, id));
	try {
		await run();
	} catch (error) {
		if (faultKind(error) !== 'schema') throw error;
		if (choice.remote) {
			throw new Failure('The remote database has no tables yet: run `npm run deploy` first.');
		}
		// The local database is new, and the command has changed nothing yet.
		applyLocalMigrations(choice.persistTo);
		await run();
	}
}

/** Runs a command with a function that opens the database on demand. */
async function onDatabase(choice: D1Choice, run: (open: OpenDatabase) => Promise<void>): Promise<void> {
	let close = async () => {};
	try {
		await run(async () => {
			const opened = await openD1(choice);
			close = opened.close;
			return openDatabase(opened.d1);
		});
	} finally {
		await close();
	}
}

await exitAfter(main);

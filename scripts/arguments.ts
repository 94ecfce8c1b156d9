import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Failure, usageError } from './failure.ts';

/** Parses the arguments of a command with `parseArgs`. Throws a Failure with the help when an argument is unknown or incomplete. */
export function parseArguments<const T extends ParseArgsConfig>(
	config: T,
	help: string,
): ReturnType<typeof parseArgs<T>> {
	try {
		return parseArgs(config);
	} catch (error) {
		throw usageError(`${error instanceof Error ? error.message : error}\n\n${help}`);
	}
}

/** The Failure for a command that does not exist, or for a missing one, which is ''. */
export const unknownCommand = (name: string, help: string): Failure =>
	usageError(`${name === '' ? 'Missing command.' : `Unknown command: ${name}.`}\n\n${help}`);

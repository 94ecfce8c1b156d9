import { type ParseArgsConfig, parseArgs } from 'node:util';
import { usageError } from './failure.ts';

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

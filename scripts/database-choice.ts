import { usageError } from './failure.ts';

/** The D1 databases that a command uses. */
export interface D1Choice {
	remote: boolean;
	/** The folder of `wrangler dev --persist-to`; undefined for wrangler's default. */
	persistTo: string | undefined;
}

/** The options that choose the databases of a command, for `parseArguments`. */
export const choiceOptions = {
	local: { type: 'boolean' },
	remote: { type: 'boolean' },
	'persist-to': { type: 'string' },
} as const;

/** Returns the databases that the options choose: the local ones by default. Throws a Failure when options contradict. */
export function choiceOf(options: {
	local?: boolean | undefined;
	remote?: boolean | undefined;
	'persist-to'?: string | undefined;
}): D1Choice {
	const { local, remote = false, 'persist-to': persistTo } = options;
	if (remote && (local || persistTo !== undefined)) {
		throw usageError('--remote cannot be combined with --local or --persist-to.');
	}
	return { remote, persistTo };
}

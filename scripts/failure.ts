/** An error that the user can fix. The command prints only its message, without a stack. */
export class Failure extends Error {
	/** 2 when the arguments are wrong, otherwise 1. */
	readonly exitCode: 1 | 2;

	constructor(message: string, exitCode: 1 | 2 = 1) {
		super(message);
		this.exitCode = exitCode;
	}
}

/** A Failure for invalid arguments. */
export const usageError = (message: string): Failure => new Failure(message, 2);

/** Runs a command, and returns its exit code: 0, or that of the Failure that it throws. */
export async function exitCodeOf(command: () => Promise<void>): Promise<number> {
	try {
		await command();
		return 0;
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		console.error(error.message);
		return error.exitCode;
	}
}

/** Runs a command and ends the process with its exit code, once its reader has taken everything that it printed. */
export async function exitAfter(command: () => Promise<void>): Promise<never> {
	const code = await exitCodeOf(command);
	// process.exit alone cuts off what a slow pipe has not taken yet.
	await new Promise((resolve) => process.stdout.write('', resolve));
	process.exit(code);
}

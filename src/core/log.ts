type Level = 'info' | 'warn' | 'error';

/** Writes one line of JSON, as Workers Logs reads it. Never pass a token, a key or a body. */
export function log(level: Level, fields: { message: string } & Record<string, unknown>): void {
	console[level](JSON.stringify({ level, ...fields }));
}

/** Writes an error itself as a line of its own. Only then do source maps apply to its stack. */
export function logStack(error: unknown): void {
	console.error(error);
}

/**
 * The fields of a log line about an error: its name and message, and those of its causes. They have no stack, because a stack
 * that the Worker reads itself names the minified script.
 */
export function errorFields(error: unknown): Record<string, unknown> {
	if (!(error instanceof Error)) return { error: String(error) };
	const { name, message, cause } = error;
	return { name, error: message, ...(cause === undefined ? {} : { cause: errorFields(cause) }) };
}

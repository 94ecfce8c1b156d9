type Level = 'info' | 'warn' | 'error';

/** Writes one line of JSON, as Workers Logs reads it. Never pass a token, a key or a body. */
export function log(level: Level, fields: { message: string } & Record<string, unknown>): void {
	console[level](JSON.stringify({ level, ...fields }));
}

/** The fields of a log line about an error: its name, message and stack, and those of its causes. */
export function errorFields(error: unknown): Record<string, unknown> {
	if (!(error instanceof Error)) return { error: String(error) };
	const { name, message, stack, cause } = error;
	return { name, error: message, stack, ...(cause === undefined ? {} : { cause: errorFields(cause) }) };
}

/**
 * What D1 says when it fails, and what that means. The one place that knows D1's words.
 * Source: https://developers.cloudflare.com/d1/observability/debug-d1/ and D1's "retry queries" page.
 */

export type FaultKind =
	/** Passing; whether the statement ran is not known. Worth another try where trying twice does no harm. */
	| 'transient'
	/** D1 has too much to do or took too long. Trying again at once makes it worse. */
	| 'overloaded'
	/** A CHECK constraint refused the row: nothing was written. */
	| 'check'
	/** A text grew over what SQLite holds in one value, on the way to a row: nothing was written. */
	| 'too big'
	/** Ours: a statement or a schema that does not fit. */
	| 'bug';

const words: readonly (readonly [kind: FaultKind, pattern: RegExp])[] = [
	['check', /CHECK constraint failed/i],
	['too big', /string or blob too big|SQLITE_TOOBIG/i],
	['overloaded', /overloaded|too many requests|requests queued|queued for too long/i],
	['overloaded', /timed? ?out|exceeded (its|the) (CPU|memory) limit|exceeded timeout|time limit/i],
	['transient', /network connection lost|client disconnected/i],
	['transient', /object to be reset|storage (operation|caused)|starting up D1 DB storage/i],
	['transient', /code was updated|is being updated|isolate was reset/i],
	['transient', /transient issue|reset because|internal error (in|while)|cannot resolve D1 DB/i],
];

/** Names the kind of a failure by D1's message, its cause's message included. */
export function faultKind(error: unknown): FaultKind {
	const text = describe(error);
	return words.find(([, pattern]) => pattern.test(text))?.[0] ?? 'bug';
}

/** The name of the CHECK constraint that refused a row, or undefined. */
export const failedCheck = (error: unknown): string | undefined =>
	/CHECK constraint failed: (\w+)/.exec(describe(error))?.[1];

function describe(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	return error.cause === undefined ? error.message : `${error.message} ${describe(error.cause)}`;
}

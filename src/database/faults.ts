/**
 * The messages of D1's failures, and what they mean. Only this file knows the messages.
 * Sources: https://developers.cloudflare.com/d1/observability/debug-d1/#error-list,
 * https://developers.cloudflare.com/d1/platform/limits/ and https://developers.cloudflare.com/d1/platform/pricing/.
 */

export type FaultKind =
	/** A transient fault. It is unknown whether the statements ran, so only idempotent statements are retried. */
	| 'transient'
	/** D1 has too many requests queued. An immediate retry makes it worse. */
	| 'overloaded'
	/** D1 took too long, or used too much memory or CPU time. */
	| 'timed out'
	/** The account has used up a day's rows of the free plan. */
	| 'daily limit'
	/** The database or the account has reached its maximum size. Reads and deletes still work. */
	| 'full'
	/** One Worker invocation has sent more queries than its plan allows. */
	| 'query limit'
	/** A CHECK constraint rejected the row. Nothing was written. */
	| 'check'
	/** A value exceeded SQLite's limit for one value before the row was written. Nothing was written. */
	| 'too big'
	/** The database lacks a table or a column: the migrations of this version are not applied to it. */
	| 'schema'
	/** A bug of this service: an invalid statement. */
	| 'bug';

const words: readonly (readonly [kind: FaultKind, pattern: RegExp])[] = [
	['check', /CHECK constraint failed/i],
	['schema', /no such (table|column)|has no column named/i],
	['too big', /string or blob too big|SQLITE_TOOBIG/i],
	['daily limit', /daily (row )?(read|write) limit/i],
	['full', /exceeded maximum DB size|maximum account storage limit|disk is full|SQLITE_FULL/i],
	['query limit', /too many (API requests|subrequests)/i],
	['overloaded', /overloaded|too many requests|requests queued|queued for too long/i],
	['timed out', /timed? ?out|exceeded (its|the) (CPU|memory) limit|exceeded timeout|time limit/i],
	['transient', /network connection lost|client disconnected|replica disconnected/i],
	['transient', /object to be reset|storage (operation|caused)|starting up D1 DB storage/i],
	['transient', /code was updated|is being updated|isolate was reset/i],
	['transient', /transient issue|reset because|internal error|cannot resolve D1 DB/i],
];

/** Names the kind of a failure by D1's message and the messages of its causes. */
export function faultKind(error: unknown): FaultKind {
	const text = faultText(error);
	return words.find(([, pattern]) => pattern.test(text))?.[0] ?? 'bug';
}

/** The name of the CHECK constraint that rejected a row, or undefined. */
export const failedCheck = (error: unknown): string | undefined =>
	/CHECK constraint failed: (\w+)/.exec(faultText(error))?.[1];

/** The messages of a failure and of its causes, in one line. */
export function faultText(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	return error.cause === undefined ? error.message : `${error.message} ${faultText(error.cause)}`;
}

const LIMIT_REACHED = 'The database has reached a limit. Try again later.';
const APPLY_MIGRATIONS =
	'Apply the migrations: `npm run deploy` for a deployed service, `npx wrangler d1 migrations apply DB --local` for a local one.';

/** How long the database stays unavailable, and what the operator has to do. */
interface Outage {
	retryAfterSeconds: number;
	/** For the caller. */
	sentence: string;
	/** For the log. Undefined when the fault is transient. */
	operatorAction?: string;
}

/**
 * Decides what a caller gets after a fault of D1. With an outage it is a 503 (DATABASE_UNAVAILABLE) with its Retry-After,
 * because the same request can succeed later. Undefined makes it a 500, except for 'check' and 'too big', which sessions/update.ts
 * turns into PAYLOAD_TOO_LARGE. Before this, `send` in database.ts repeats what is safe to repeat after a 'transient' fault. It
 * repeats nothing when D1 is overloaded or has timed out. `now` in epoch milliseconds.
 */
export function outageOf(kind: FaultKind, now: number): Outage | undefined {
	switch (kind) {
		case 'transient':
		case 'overloaded':
		case 'timed out':
			return { retryAfterSeconds: 2, sentence: 'The database cannot be reached. Try again.' };
		case 'schema':
			return {
				retryAfterSeconds: 30,
				// Callers see it too: whoever starts the service without a migration looks at a response first.
				sentence: `The database lacks tables or columns that this version needs. ${APPLY_MIGRATIONS}`,
				operatorAction: APPLY_MIGRATIONS,
			};
		case 'daily limit':
			return {
				retryAfterSeconds: secondsToMidnight(now),
				sentence: LIMIT_REACHED,
				operatorAction:
					"The account has used up the free plan's rows of this day. Upgrade to the Workers Paid plan, or wait until 00:00 UTC.",
			};
		case 'full':
			return {
				// The cleanup runs every ten minutes, and what it deletes makes room.
				retryAfterSeconds: 600,
				sentence: LIMIT_REACHED,
				operatorAction:
					'The database has reached its maximum size: 10 GB, 500 MB on the free plan. Delete data, shorten SESSION_TTL_SECONDS, or upgrade to the Workers Paid plan.',
			};
		case 'query limit':
			return {
				retryAfterSeconds: 1,
				sentence: LIMIT_REACHED,
				operatorAction:
					"One invocation has sent more queries than its plan allows: 1,000, or 50 on the free plan. For the cleanup, set CLEANUP_MAX_STATEMENTS to the plan's limit; otherwise upgrade to the Workers Paid plan.",
			};
		default:
			return undefined;
	}
}

const DAY_SECONDS = 86_400;

/** Seconds until the next 00:00 UTC, when D1's daily limits begin again: 1 to 86,400. */
const secondsToMidnight = (now: number): number => Math.ceil(DAY_SECONDS - ((now / 1000) % DAY_SECONDS));

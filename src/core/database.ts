import type { Sql } from './sql.ts';

/** The cost of one request in D1. */
export interface QueryStats {
	roundTrips: number;
	/** Statements that were sent, including those of retries. */
	statements: number;
	milliseconds: number;
	rowsRead: number;
	rowsWritten: number;
	/** The content of the returned rows. A character counts as one byte, because counting its bytes would cost more. */
	bytesRead: number;
}

export const newQueryStats = (): QueryStats => ({
	roundTrips: 0,
	statements: 0,
	milliseconds: 0,
	rowsRead: 0,
	rowsWritten: 0,
	bytesRead: 0,
});

/** The rows of each statement of a round trip, in the order of the statements. */
export type RowsOf<Rows extends readonly unknown[]> = { [Each in keyof Rows]: Rows[Each][] };

/** `idempotent`: a transient fault is retried, because running the statements twice has the effect of running them once. */
export interface WriteOptions {
	idempotent: boolean;
}

/**
 * A database. It takes only statements made by `sql`, so every value is a bound parameter.
 *
 * Reads are retried after a transient fault, in two tries at most. Writes are retried only if they are `idempotent`, in
 * three tries at most. Each method throws DatabaseUnavailable when D1 cannot serve the request now, and any other failure
 * as it is.
 */
export interface Database {
	/** Returns the first row of one statement, or undefined. */
	first<Row>(statement: Sql, options?: WriteOptions): Promise<Row | undefined>;
	/** Returns the rows of one statement. */
	all<Row>(statement: Sql, options?: WriteOptions): Promise<Row[]>;
	/**
	 * Sends the statements in one round trip, as one transaction, and returns the rows of each.
	 * `Rows` names the type of a row of each statement; of statements that are left out there are no rows. An `aside` has none
	 * here either.
	 */
	run<Rows extends readonly unknown[]>(
		statements: readonly Sql[],
		options?: WriteOptions,
	): Promise<RowsOf<Rows>>;
	/** Like `run`, but returns how many rows each statement inserted, updated or deleted. */
	change(statements: readonly Sql[], options: WriteOptions): Promise<number[]>;
	/** The bookmark of the results; null before the first round trip. */
	bookmark(): string | null;
}

/** An endpoint of a webhook that is owed messages, and the number of the database that has them. */
export interface Owed {
	database: number;
	endpoint: string;
}

/** How long a request still waits for D1, in milliseconds. Its slow trips to all databases use it up. */
export interface Patience {
	leftMs: number;
}

/** The databases that a request can use. 0 is DB, n is DB_n. */
export interface Databases {
	/** The numbers of those that are bound, DB first. */
	numbers: readonly number[];
	/** What the trips of the request have together. */
	patience: Patience;
	/** DB. */
	main: Database;
	/** Opens a database, once in a request. A number that is not bound means DB, which does not hold its sessions. */
	at(number: number): Database;
	/** The same, but opens it each time, at its primary. */
	fresh(number: number): Database;
	/** The same to open a stream, whose trips wait for others of its kind. */
	toOpenStream(number: number): Database;
	/** The same for a stream that is open: each trip has its own time, because the stream survives a database that is silent again and again. */
	forStream(number: number): Database;
	/** The endpoints that are owed messages by what this request has written. */
	owed(): readonly Owed[];
	/** How recent the response is, if it comes from one database: its bookmark. Null if none or several were asked. */
	bookmark(): string | null;
}

/** D1 cannot serve a request at the moment. */
export class DatabaseUnavailable extends Error {
	readonly retryAfterSeconds: number;

	constructor(message: string, options: { retryAfterSeconds: number; cause?: unknown }) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = 'DatabaseUnavailable';
		this.retryAfterSeconds = options.retryAfterSeconds;
	}
}

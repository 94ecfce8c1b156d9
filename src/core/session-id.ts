import { TypeID, typeid } from 'typeid-js';

/**
 * The ids of sessions. An id is a TypeID of a UUIDv7 (RFC 9562), and its last ten bits name the database that holds the
 * session: 0 is DB, n is DB_n. RFC 9562, section 6.4, lets an implementation use bits of its own choice for a node's number.
 * Before them come the time of creation, and a counter, so that the ids of one isolate follow the order of creation within a
 * millisecond.
 */

/** The largest number of a database: DB_99. Ten bits hold more. */
export const MAX_DATABASE_NUMBER = 99;

/** Returns a new id for a session in a database, and the time of creation that it holds, in epoch milliseconds. */
export function newSessionId(databaseNumber: number): { id: string; createdAt: number } {
	const bytes = typeid().toUUIDBytes();
	bytes[14] = ((bytes[14] ?? 0) & ~0b11) | (databaseNumber >> 8);
	bytes[15] = databaseNumber & 0xff;
	const id = TypeID.fromUUIDBytes('sess', bytes).toString();
	// The time has 48 bits, and JavaScript's bit operators work on 32.
	const createdAt = bytes.slice(0, 6).reduce((time, byte) => time * 256 + byte, 0);
	return { id, createdAt };
}

/** Returns the number of the database that a well-formed id names. The database may not be bound. */
export function databaseNumberOf(id: string): number {
	const bytes = TypeID.fromString(id).toUUIDBytes();
	return (((bytes[14] ?? 0) & 0b11) << 8) | (bytes[15] ?? 0);
}

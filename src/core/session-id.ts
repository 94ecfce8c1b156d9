import { TypeID, typeid } from 'typeid-js';

/**
 * The ids of sessions. An id is a TypeID of a UUIDv7 (RFC 9562), and ten of its bits name the database that holds the
 * session. RFC 9562, section 6.4, lets an implementation use bits of its own choice for a node's number.
 *
 * ```
 *  48 bits  the time of creation, in epoch milliseconds
 *   4 bits  the version, 7
 *  12 bits  rand_a: a constant, which says that the id names a database
 *   2 bits  the variant
 *  19 bits  a counter, so that the ids of one isolate follow the order of creation within a millisecond
 *  33 bits  random
 *  10 bits  the number of the database: 0 is DB, n is DB_n
 * ```
 *
 * An id without the constant names DB. It is from an earlier version of this service, which stored all sessions in DB. None
 * of those ids has the constant, because the library fills rand_a with three hex digits of which the first two are equal.
 */
const NAMES_A_DATABASE = 0xd1d;

/** The largest number of a database: DB_99. Ten bits hold more. */
export const MAX_DATABASE_NUMBER = 99;

/** Returns a new id for a session in a database, and the time of creation that it holds, in epoch milliseconds. */
export function newSessionId(databaseNumber: number): { id: string; createdAt: number } {
	const bytes = typeid().toUUIDBytes();
	bytes[6] = 0x70 | (NAMES_A_DATABASE >> 8);
	bytes[7] = NAMES_A_DATABASE & 0xff;
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
	const [version = 0, constant = 0] = bytes.slice(6, 8);
	if (((version << 8) | constant) !== (0x7000 | NAMES_A_DATABASE)) return 0;
	return (((bytes[14] ?? 0) & 0b11) << 8) | (bytes[15] ?? 0);
}

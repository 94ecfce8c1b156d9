/**
 * What a megabyte of values or rows costs D1 beside the query, in milliseconds. Miniflare and the Worker work for 6 ms on a read of 1.6
 * MB, of which `meta.duration` is less than one, and for 5 ms on values of 1 MB that change nothing.
 */
const MS_A_MEGABYTE = 4;
const MEGABYTE = 1_000_000;
/** What a trip costs D1 besides, in milliseconds: Miniflare works for one or two on a trip whose `meta.duration` is 0.1. */
const MS_A_TRIP = 0.5;

/**
 * How long D1 is busy with a trip, in milliseconds, from the time in SQLite and the bytes that it takes and brings. It is not
 * the time that the caller waits, which is more where the database is far away, or busy with somebody else's trips: beside a
 * caller with many large ones, a trip of less than 1 ms takes 100.
 */
export const workOf = (query: { milliseconds: number; bytes: number }): number =>
	MS_A_TRIP + query.milliseconds + (query.bytes / MEGABYTE) * MS_A_MEGABYTE;

/** The characters of the texts that statements bind. A character counts as one byte, because counting its bytes would cost more. */
export function sizeOfValues(statements: readonly { values: readonly unknown[] }[]): number {
	let size = 0;
	for (const { values } of statements) size += sizeOfTexts(values);
	return size;
}

/** The characters of the texts in rows. */
export function sizeOfRows(rows: readonly unknown[]): number {
	let size = 0;
	for (const row of rows) size += sizeOfTexts(Object.values(row as object));
	return size;
}

function sizeOfTexts(values: readonly unknown[]): number {
	let size = 0;
	for (const value of values) if (typeof value === 'string') size += value.length;
	return size;
}

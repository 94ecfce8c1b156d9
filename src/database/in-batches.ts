/**
 * Reads of any size with bounded memory. D1 returns a whole result at a time, so a read asks for at most BYTES_A_TRIP of
 * stored content in each round trip.
 */

/**
 * The maximum of stored content in one round trip, in bytes. As strings it takes up to twice as much memory, beside
 * D1's response and the encoded chunk.
 */
export const BYTES_A_TRIP = 1_000_000;

/** A row with the size of its content. The content itself is null unless the row is `whole`. */
export interface Sized {
	id: string;
	/** Bytes as stored. */
	size: number;
	/** 1 or 0, SQLite's booleans. */
	whole: number;
}

const isWhole = ({ whole }: Sized): boolean => whole === 1;

/** Whether the first round trip has read everything. */
export const areWhole = (rows: readonly Sized[]): boolean => rows.every(isWhole);

/**
 * Yields whole rows in their order, in batches. `read` reads the rows that are not whole, in any order. It omits rows
 * that were deleted, and returns a row that has grown past its `size` without its content. Such a row is read again
 * alone, without a limit. Each round trip waits until the consumer asks for its rows.
 */
export async function* inBatches<Row extends Sized>(
	rows: readonly Row[],
	read: (missing: readonly Row[]) => Promise<readonly Row[]>,
): AsyncGenerator<Row[], void, undefined> {
	for (let from = 0; from < rows.length; ) {
		const batch = rows.slice(from, endOfBatch(rows, from));
		from += batch.length;
		const missing = batch.filter((row) => !isWhole(row));
		const brought = new Map((missing.length > 0 ? await read(missing) : []).map((row) => [row.id, row]));
		let ready: Row[] = [];
		for (const row of batch) {
			const now = isWhole(row) ? row : brought.get(row.id);
			if (!now) continue;
			if (isWhole(now)) {
				ready.push(now);
				continue;
			}
			if (ready.length > 0) yield ready;
			ready = [...(await read([{ ...now, size: Number.MAX_SAFE_INTEGER }]))];
		}
		if (ready.length > 0) yield ready;
	}
}

/** The end of the batch that starts at `from`: at least one row, and at most BYTES_A_TRIP to read. */
function endOfBatch(rows: readonly Sized[], from: number): number {
	let bytes = 0;
	const end = rows.findIndex((row, at) => {
		if (at < from || isWhole(row)) return false;
		bytes += row.size;
		return bytes > BYTES_A_TRIP && bytes > row.size;
	});
	return end < 0 ? rows.length : end;
}

/**
 * Reads of any size with bounded memory. D1 returns a whole result at a time, so a read asks for a limited amount of
 * stored content in each round trip.
 */

/**
 * The stored content in a first round trip, in bytes, and by default in each further one. As strings it takes up to twice
 * as much memory, beside D1's response and the encoded chunk.
 */
export const BYTES_A_TRIP = 1_000_000;

/** A row with the size of its content. The content itself is null unless the row is `whole`. */
export interface Sized {
	id: string;
	/** Bytes as stored. */
	size: number;
	whole: boolean;
}

export const isWhole = ({ whole }: Sized): boolean => whole;

/** Whether the first round trip has read everything. */
export const areWhole = (rows: readonly Sized[]): boolean => rows.every(isWhole);

/**
 * Yields whole rows in their order, in batches of at most `bytes` to read. `read` reads the rows that are not whole, in
 * any order. It omits rows that were deleted, and returns a row that has grown past its `size` without its content. Such
 * a row is read again alone, without a limit. Each round trip waits until the consumer asks for its rows.
 */
export async function* inBatches<Row extends Sized>(
	rows: readonly Row[],
	read: (missing: readonly Row[]) => Promise<readonly Row[]>,
	bytes = BYTES_A_TRIP,
): AsyncGenerator<Row[], void, undefined> {
	for (const batch of batchesOf(rows, bytes)) {
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

/** The rows in batches, each with at most `bytes` to read or with one row to read. */
function batchesOf<Row extends Sized>(rows: readonly Row[], bytes: number): Row[][] {
	const batches: Row[][] = [];
	let toRead = 0;
	for (const row of rows) {
		const size = isWhole(row) ? 0 : row.size;
		const batch = batches.at(-1);
		if (batch && (toRead === 0 || toRead + size <= bytes)) {
			batch.push(row);
			toRead += size;
		} else {
			batches.push([row]);
			toRead = size;
		}
	}
	return batches;
}

/**
 * Reads of any size with bounded memory. D1 returns a whole result at a time, so a read asks for at most BYTES_A_TRIP of
 * stored content in each round trip.
 */

/**
 * Bytes of stored content that one round trip brings at most. As strings they take up to twice as much, and D1's response
 * and the encoded chunk are held beside them.
 */
export const BYTES_A_TRIP = 1_000_000;

/** A row that says how much content it has. The content is there only in a row that is `whole`; it is null in others. */
export interface Sized {
	id: string;
	/** Bytes as stored. */
	size: number;
	/** 1 or 0, as SQLite says it. */
	whole: number;
}

const isWhole = ({ whole }: Sized): boolean => whole === 1;

/** Whether the first round trip has brought everything. */
export const areWhole = (rows: readonly Sized[]): boolean => rows.every(isWhole);

/**
 * Yields the rows in their order, whole, some at a time. `read` brings the rows that are not, in any order; it leaves out
 * those that are gone, and brings a row that has outgrown its `size` without its content. Such a row is read again alone,
 * with no limit. Each round trip waits until the consumer asks for what it brings.
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

/** Where the batch ends that begins at `from`: at least one row, and at most BYTES_A_TRIP to be read. */
function endOfBatch(rows: readonly Sized[], from: number): number {
	let bytes = 0;
	const end = rows.findIndex((row, at) => {
		if (at < from || isWhole(row)) return false;
		bytes += row.size;
		return bytes > BYTES_A_TRIP && bytes > row.size;
	});
	return end < 0 ? rows.length : end;
}

import { wrappedD1 } from './wrapped-d1.ts';

/** A D1 binding that counts its round trips, and the rows that D1 reports in `meta`. */
export interface MeteredD1 {
	d1: D1Database;
	trips: number;
	rowsRead: number;
	rowsWritten: number;
	/** Rows read by each statement of the round trips, in order. */
	readByStatement: number[];
	/** The size of the returned rows, as JSON. */
	charactersAnswered: number;
	reset(): void;
}

/** Wraps a real D1. */
export function meteredD1(real: D1Database): MeteredD1 {
	const zero = () => ({
		trips: 0,
		rowsRead: 0,
		rowsWritten: 0,
		readByStatement: [] as number[],
		charactersAnswered: 0,
	});
	const metered: MeteredD1 = { d1: real, ...zero(), reset: () => Object.assign(metered, zero()) };

	metered.d1 = wrappedD1(real, async (_, work) => {
		metered.trips += 1;
		const results = await work();
		for (const { meta, results: rows } of results) {
			metered.rowsRead += meta.rows_read;
			metered.rowsWritten += meta.rows_written;
			metered.readByStatement.push(meta.rows_read);
			metered.charactersAnswered += JSON.stringify(rows).length;
		}
		return results;
	});
	return metered;
}

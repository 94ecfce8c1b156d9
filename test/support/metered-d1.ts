/** A D1 binding that counts its trips, and the rows that D1's own `meta` names. */
export interface MeteredD1 {
	d1: D1Database;
	trips: number;
	rowsRead: number;
	rowsWritten: number;
	/** Rows read by each statement of the trips, in order. */
	readByStatement: number[];
	/** The size of the rows that came back, as JSON. */
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

	async function trip<T>(work: () => Promise<D1Result<T>[]>): Promise<D1Result<T>[]> {
		metered.trips += 1;
		const results = await work();
		for (const { meta, results: rows } of results) {
			metered.rowsRead += meta.rows_read;
			metered.rowsWritten += meta.rows_written;
			metered.readByStatement.push(meta.rows_read);
			metered.charactersAnswered += JSON.stringify(rows).length;
		}
		return results;
	}

	const wrapStatement = (statement: D1PreparedStatement): D1PreparedStatement =>
		new Proxy(statement, {
			get(target, name) {
				if (name === 'bind') return (...values: unknown[]) => wrapStatement(target.bind(...values));
				if (name === 'all') return async () => (await trip(async () => [await target.all()]))[0];
				if (name === 'unwrapped') return target;
				return Reflect.get(target, name);
			},
		});
	const wrapSession = (session: D1DatabaseSession): D1DatabaseSession =>
		({
			prepare: (sql: string) => wrapStatement(session.prepare(sql)),
			batch: (statements: (D1PreparedStatement & { unwrapped: D1PreparedStatement })[]) =>
				trip(() => session.batch(statements.map(({ unwrapped }) => unwrapped))),
			getBookmark: () => session.getBookmark(),
		}) as D1DatabaseSession;

	metered.d1 = { withSession: (from?: string) => wrapSession(real.withSession(from)) } as D1Database;
	return metered;
}

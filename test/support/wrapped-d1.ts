/** What stands between the service and D1: gets a trip's SQL and its work, and answers for it. */
export type Trip = (sql: string[], work: () => Promise<D1Result[]>) => Promise<D1Result[]>;

type Wrapped = D1PreparedStatement & { unwrapped: D1PreparedStatement; sql: string };

/** A D1 binding of which each trip goes through `trip`. */
export function wrappedD1(real: D1Database, trip: Trip): D1Database {
	const wrapStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement =>
		new Proxy(statement, {
			get(target, name) {
				if (name === 'bind') return (...values: unknown[]) => wrapStatement(target.bind(...values), sql);
				if (name === 'all') return async () => (await trip([sql], async () => [await target.all()]))[0];
				if (name === 'unwrapped') return target;
				if (name === 'sql') return sql;
				return Reflect.get(target, name);
			},
		});
	const wrapSession = (session: D1DatabaseSession): D1DatabaseSession =>
		({
			prepare: (sql: string) => wrapStatement(session.prepare(sql), sql),
			batch: (statements: Wrapped[]) =>
				trip(
					statements.map(({ sql }) => sql),
					() => session.batch(statements.map(({ unwrapped }) => unwrapped)),
				),
			getBookmark: () => session.getBookmark(),
		}) as D1DatabaseSession;
	return { withSession: (from?: string) => wrapSession(real.withSession(from)) } as D1Database;
}

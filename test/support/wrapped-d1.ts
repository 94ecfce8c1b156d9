/** The D1 session of a round trip: the argument of `withSession`, and the number of that call. */
export interface OpenedSession {
	from: string | undefined;
	number: number;
}

/** A statement with its bound values. */
export interface SentStatement {
	sql: string;
	values: readonly unknown[];
}

/** Intercepts a round trip to D1: gets its statements, the function that runs them and its session, and returns its result. */
export type Trip = (
	statements: SentStatement[],
	work: () => Promise<D1Result[]>,
	session: OpenedSession,
) => Promise<D1Result[]>;

type Wrapped = D1PreparedStatement & { unwrapped: D1PreparedStatement; sent: SentStatement };

/** A D1 binding whose round trips all go through `trip`. */
export function wrappedD1(real: D1Database, trip: Trip): D1Database {
	let sessions = 0;
	const wrapStatement = (
		statement: D1PreparedStatement,
		sent: SentStatement,
		opened: OpenedSession,
	): D1PreparedStatement =>
		new Proxy(statement, {
			get(target, name) {
				if (name === 'bind')
					return (...values: unknown[]) => wrapStatement(target.bind(...values), { ...sent, values }, opened);
				if (name === 'all')
					return async () => (await trip([sent], async () => [await target.all()], opened))[0];
				if (name === 'unwrapped') return target;
				if (name === 'sent') return sent;
				return Reflect.get(target, name);
			},
		});
	const wrapSession = (session: D1DatabaseSession, opened: OpenedSession): D1DatabaseSession =>
		({
			prepare: (sql: string) => wrapStatement(session.prepare(sql), { sql, values: [] }, opened),
			batch: (statements: Wrapped[]) =>
				trip(
					statements.map(({ sent }) => sent),
					() => session.batch(statements.map(({ unwrapped }) => unwrapped)),
					opened,
				),
			getBookmark: () => session.getBookmark(),
		}) as D1DatabaseSession;
	return {
		withSession(from?: string) {
			sessions += 1;
			return wrapSession(real.withSession(from), { from, number: sessions });
		},
	} as D1Database;
}

/** The content of each database before a measurement, and its restoration afterwards. */

export const OWNER = 'user_bench';
export const SESSIONS = 1000;
const EVENTS_EACH = 100;
/** Sessions for the measurement of deletes. They are created before and removed after each measurement. */
export const DELETABLE = 1500;
const FIRST_DELETABLE = 1_000_000;

/** The id of a seeded session, in the service's format. */
export const sessionId = (n: number): string => `sess_0${String(n).padStart(25, '0')}`;
export const deletableId = (n: number): string => sessionId(FIRST_DELETABLE + n);
/** The sessions with numbers from 301 on have 100 events each. */
export const withEvents = { from: 301, count: 32 } as const;

/** A plan of about the given number of bytes as JSON: steps with a few members each, as a generator writes them. */
export function planOf(bytes: number): { steps: object[] } {
	const steps: object[] = [];
	for (let size = 12, n = 1; size < bytes; n += 1) {
		const step = {
			id: `step-${n}`,
			title: `Build part ${n} of the product`,
			state: n % 3 === 0 ? 'done' : 'open',
			weight: n / 8,
			needs: [`step-${n - 1}`],
			notes: 'Write it, test it, and say what was left out.',
		};
		steps.push(step);
		size += JSON.stringify(step).length + 1;
	}
	return { steps };
}

const INSERT = `INSERT INTO sessions (id, user_id, status, prd, plan, created_at, updated_at, expires_at)
	WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + ?2)
	SELECT printf('sess_0%025d', i), ?3, 'intake', '{"title":"Support assistant"}', ?4,
		strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || i || ' seconds'), '2026-01-01T00:00:00.000Z',
		'2999-01-01T00:00:00.000Z' FROM n LIMIT ?2`;

/** Inserts sessions with numbers from `from` on. */
export async function insertSessions(
	d1: D1Database,
	rows: { from: number; count: number; owner: string; plan: string },
): Promise<void> {
	await d1.prepare(INSERT).bind(rows.from, rows.count, rows.owner, rows.plan).run();
}

/** Appends events with numbers from `from` on to consecutive sessions. */
export async function insertEvents(
	d1: D1Database,
	rows: { sessions: { from: number; count: number }; from: number; count: number },
): Promise<void> {
	await d1
		.prepare(
			`INSERT INTO events (session_id, position, bytes_so_far, id, type, payload, created_at)
			WITH RECURSIVE s (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < ?1 + ?2),
				e (n) AS (SELECT ?3 UNION ALL SELECT n + 1 FROM e WHERE n + 1 < ?3 + ?4)
			SELECT printf('sess_0%025d', i), n, n * 40, printf('evt_%010d00000000000000000000', n), 'step.done',
				'{"step":"step-1","tokens":1200}', '2026-01-02T00:00:00.000Z' FROM s CROSS JOIN e`,
		)
		.bind(rows.sessions.from, rows.sessions.count, rows.from, rows.count)
		.run();
}

/** A thousand sessions with 1 KB plans, some of them with a hundred events. */
export async function seed(d1: D1Database): Promise<void> {
	await insertSessions(d1, { from: 1, count: SESSIONS, owner: OWNER, plan: JSON.stringify(planOf(1000)) });
	await insertEvents(d1, { sessions: withEvents, from: 1, count: EVENTS_EACH });
}

export const addDeletable = (d1: D1Database): Promise<void> =>
	insertSessions(d1, { from: FIRST_DELETABLE, count: DELETABLE, owner: OWNER, plan: '{"steps":[]}' });

/** Removes the rows that a measurement has added. */
export async function restore(d1: D1Database): Promise<void> {
	await d1.batch([
		d1
			.prepare('DELETE FROM events WHERE position > ?1 OR session_id NOT BETWEEN ?2 AND ?3')
			.bind(EVENTS_EACH, sessionId(withEvents.from), sessionId(withEvents.from + withEvents.count - 1)),
		d1.prepare('DELETE FROM sessions WHERE id > ?').bind(sessionId(SESSIONS)),
	]);
}

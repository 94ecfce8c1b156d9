import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { deleteExpired } from '../../src/cleanup/store.ts';
import { openDatabase } from '../../src/database/database.ts';
import { countRows, query } from '../support/database.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const PAST = '2020-01-01T00:00:00.000Z';
const FUTURE = '2999-01-01T00:00:00.000Z';
const NOW = '2026-01-01T00:00:00.000Z';
/** What a chunk deletes, in bytes, and the largest row of these tests. */
const CHUNK = 4_000_000;
const LARGE = 65_000;
const KEPT = 400_000;

const idOf = (n: number): string => `sess_${String(n).padStart(26, '0')}`;
const ids = (from: number, count: number): string[] =>
	Array.from({ length: count }, (_, n) => idOf(from + n));

/** Adds sessions that expired one after another, the first one first. */
async function addSessions(all: readonly string[], expiresAt?: string, objectBytes = 0): Promise<void> {
	const object = objectBytes > 0 ? `"${'x'.repeat(objectBytes - 2)}"` : null;
	for (const [at, id] of all.entries()) {
		await query(
			`INSERT INTO sessions (id, user_id, status, version, created_at, updated_at, expires_at, prd, plan)
			VALUES (?1, 'user_large', 'intake', 100, ?2, ?2, ?3, ?4, ?4)`,
			id,
			PAST,
			expiresAt ?? new Date(Date.parse(PAST) + at).toISOString(),
			object,
		);
	}
}

/** Appends events, with the sums that an append keeps. */
async function addEvents(id: string, count: number, bytes: number): Promise<void> {
	await query(
		`INSERT INTO events (session_id, position, bytes_so_far, id, type, payload, created_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2),
			last (position, bytes) AS (SELECT ifnull(max(position), 0), ifnull(max(bytes_so_far), 0) FROM events WHERE session_id = ?1)
		SELECT ?1, last.position + i, last.bytes + i * (?3 + 4), 'evt_' || (last.position + i), 'note', ?4, ?5
		FROM last CROSS JOIN n`,
		id,
		count,
		bytes,
		`"${'x'.repeat(bytes - 2)}"`,
		PAST,
	);
}

/** Keeps versions of a session from 50 on, as history does that has deleted earlier ones. */
async function addVersions(id: string, count: number, bytes: number): Promise<void> {
	await query(
		`INSERT INTO versions (session_id, version, bytes, bytes_before, next_after_event, next_changed, status, expires_at, updated_at, plan)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
		SELECT ?1, 50 + i, ?3 + 200, (50 + i) * (?3 + 200), 0, 'plan', 'intake', ?5, ?6, ?4 FROM n`,
		id,
		count,
		bytes,
		`"${'x'.repeat(bytes - 2)}"`,
		FUTURE,
		PAST,
	);
}

/** What is stored: the bytes of content, and the rows of sessions, events and versions. */
async function stored(): Promise<{ bytes: number; rows: number }> {
	const [row] = await query<{ bytes: number; rows: number }>(
		`SELECT total(bytes) AS bytes, count(*) AS rows FROM (
			SELECT octet_length(payload) AS bytes FROM events
			UNION ALL SELECT octet_length(plan) FROM versions
			UNION ALL SELECT ifnull(octet_length(prd) + octet_length(plan), 0) FROM sessions)`,
	);
	return row ?? { bytes: 0, rows: 0 };
}

interface Chunk {
	/** What it has deleted. */
	bytes: number;
	rows: number;
	/** The most rows that one of its statements has read. */
	mostRead: number;
	statements: number;
}

/** Deletes what has expired, chunk by chunk. */
async function chunksOf(): Promise<Chunk[]> {
	const meter = meteredD1(env.DB);
	const db = openDatabase(meter.d1);
	const chunks: Chunk[] = [];
	for (let before = await stored(); ; ) {
		meter.reset();
		const { deleted, isLast } = await deleteExpired(db, NOW);
		if (isLast) return chunks;
		const after = await stored();
		const gone = { bytes: before.bytes - after.bytes, rows: before.rows - after.rows };
		expect(deleted.sessions + deleted.events + deleted.versions).toBe(gone.rows);
		const { readByStatement } = meter;
		chunks.push({ ...gone, mostRead: Math.max(...readByStatement), statements: readByStatement.length });
		before = after;
	}
}

beforeEach(async () => {
	for (const table of ['events', 'versions', 'sessions', 'api_keys']) await query(`DELETE FROM ${table}`);
});

/** Sessions that are large in different ways, and how many chunks delete them. */
const MIXES: [string, number, () => Promise<void>][] = [
	[
		'two sessions with 150 large events each',
		6,
		async () => {
			await addSessions(ids(1, 2));
			for (const id of ids(1, 2)) await addEvents(id, 150, LARGE);
		},
	],
	[
		'six sessions with 40 large events each',
		5,
		async () => {
			await addSessions(ids(1, 6));
			for (const id of ids(1, 6)) await addEvents(id, 40, LARGE);
		},
	],
	[
		'60 sessions with one large event each',
		4,
		async () => {
			await addSessions(ids(1, 60));
			for (const id of ids(1, 60)) await addEvents(id, 1, LARGE);
		},
	],
	[
		'a session with 20,000 tiny events',
		5,
		async () => {
			await addSessions(ids(1, 1));
			await addEvents(idOf(1), 20_000, 10);
		},
	],
	[
		'a session with 100 large events before 10,000 tiny ones',
		5,
		async () => {
			await addSessions(ids(1, 1));
			await addEvents(idOf(1), 100, LARGE);
			await addEvents(idOf(1), 10_000, 10);
		},
	],
	[
		'a session with 10,000 tiny events before 100 large ones',
		5,
		async () => {
			await addSessions(ids(1, 1));
			await addEvents(idOf(1), 10_000, 10);
			await addEvents(idOf(1), 100, LARGE);
		},
	],
	[
		'three sessions with ten large versions each',
		4,
		async () => {
			await addSessions(ids(1, 3));
			for (const id of ids(1, 3)) await addVersions(id, 10, KEPT);
		},
	],
	['30 sessions with large objects', 7, async () => addSessions(ids(1, 30), undefined, KEPT)],
	[
		'small sessions between large ones, with events and versions',
		7,
		async () => {
			await addSessions(ids(1, 60));
			for (const id of ids(1, 60)) await addEvents(id, 10, 100);
			for (const id of ids(20, 3)) await addEvents(id, 40, LARGE);
			for (const id of ids(22, 3)) await addVersions(id, 10, KEPT);
		},
	],
];

describe('a chunk of the cleanup', () => {
	it.each(MIXES)('deletes at most 4 MB and one row of %s', async (_, most, fill) => {
		await fill();
		const { bytes, rows } = await stored();
		const chunks = await chunksOf();
		expect(await stored()).toEqual({ bytes: 0, rows: 0 });
		for (const chunk of chunks) {
			expect(chunk.bytes).toBeLessThanOrEqual(CHUNK + KEPT);
			expect(chunk.rows).toBeLessThanOrEqual(5001);
			expect(chunk.statements).toBeLessThanOrEqual(6);
		}
		expect(chunks.length).toBeLessThanOrEqual(most);
		expect(chunks.length).toBeGreaterThanOrEqual(Math.max(bytes / (CHUNK + KEPT), rows / 5001));
	});

	it.each(MIXES)('reads about as many rows as it deletes of %s', async (_, __, fill) => {
		await fill();
		// SQLite reads a row once to find where to stop, and three times to delete it. 300 are for the look-ups.
		for (const { rows, mostRead } of await chunksOf()) expect(mostRead).toBeLessThanOrEqual(4 * rows + 300);
	});

	it('deletes a hundred small sessions with 4,000 events in all', async () => {
		await addSessions(ids(1, 150));
		for (const id of ids(1, 150)) await addEvents(id, 40, 20);
		const { deleted } = await deleteExpired(openDatabase(env.DB), NOW);
		expect(deleted).toMatchObject({ sessions: 100, events: 4000 });
	});

	it('goes on with the oldest session in the next chunk', async () => {
		await addSessions(ids(1, 3));
		for (const id of ids(1, 3)) await addEvents(id, 100, LARGE);
		const db = openDatabase(env.DB);
		const left: unknown[] = [];
		for (let chunk = 1; chunk <= 3; chunk += 1) {
			await deleteExpired(db, NOW);
			left.push(
				await query(
					'SELECT sessions.id, min(position) > 1 AS "cut" FROM sessions JOIN events ON session_id = sessions.id GROUP BY 1',
				),
			);
		}
		expect(left).toEqual([
			[{ id: idOf(1), cut: 1 }, ...ids(2, 2).map((id) => ({ id, cut: 0 }))],
			[
				{ id: idOf(2), cut: 1 },
				{ id: idOf(3), cut: 0 },
			],
			[
				{ id: idOf(2), cut: 1 },
				{ id: idOf(3), cut: 0 },
			],
		]);
	});

	it('owes the message of a session that is divided between chunks once, when the session goes', async () => {
		await query('DELETE FROM webhook_messages');
		await query(
			`INSERT INTO webhook_endpoints (user_id, organization_id, id, url, names, secret, created_at, updated_at)
			VALUES ('user_large', '', 'wh_large', 'https://example.com', '["session.expired"]', '', ?1, ?1)`,
			PAST,
		);
		await addSessions(ids(1, 1));
		await addEvents(idOf(1), 150, LARGE);
		const owed: string[][] = [];
		for (let chunk = 1; chunk <= 4; chunk += 1) {
			await deleteExpired(openDatabase(env.DB), NOW);
			const messages = await query<{ session_id: string }>('SELECT session_id FROM webhook_messages');
			owed.push(messages.map(({ session_id }) => session_id));
		}
		expect(owed).toEqual([[], [], [idOf(1)], [idOf(1)]]);
	});

	it('counts a version little whose objects were too large to be kept', async () => {
		await addSessions(ids(1, 10));
		for (const id of ids(1, 10)) {
			await addVersions(id, 1, 10);
			await query('UPDATE versions SET bytes = 1099511627776, plan = NULL WHERE session_id = ?', id);
		}
		const { deleted } = await deleteExpired(openDatabase(env.DB), NOW);
		expect(deleted).toMatchObject({ sessions: 10, versions: 10 });
	});
});

describe('what happens between finding and deleting', () => {
	/** Runs a chunk, and something else after its first trip. */
	async function chunkWith(between: () => Promise<unknown>) {
		let trips = 0;
		const d1 = wrappedD1(env.DB, async (_, work) => {
			const result = await work();
			trips += 1;
			if (trips === 1) await between();
			return result;
		});
		return deleteExpired(openDatabase(d1), NOW);
	}

	it('counts what it has deleted, and nothing that another run has deleted', async () => {
		await addSessions(ids(1, 4));
		for (const id of ids(1, 4)) await addEvents(id, 10, 10);
		const { deleted, isLast } = await chunkWith(() =>
			query('DELETE FROM sessions WHERE id IN (?, ?)', idOf(1), idOf(3)),
		);
		expect(deleted).toMatchObject({ sessions: 2, events: 20 });
		expect(isLast).toBe(false);
	});

	it('does not take it for the end that another run has deleted everything it has found', async () => {
		await addSessions(ids(1, 4));
		const { deleted, isLast } = await chunkWith(() => query('DELETE FROM sessions'));
		expect(deleted.sessions).toBe(0);
		expect(isLast).toBe(false);
	});

	it.each([
		['events', (id: string) => addEvents(id, 100, LARGE)],
		['versions', (id: string) => addVersions(id, 20, KEPT)],
	] as const)('takes no %s of the session after one that another run has deleted', async (table, fill) => {
		await addSessions([idOf(1)]);
		await addSessions([idOf(2)], FUTURE);
		for (const id of ids(1, 2)) await fill(id);
		const before = await countRows(table, 'session_id = ?', idOf(2));
		const { deleted } = await chunkWith(() => query('DELETE FROM sessions WHERE id = ?', idOf(1)));
		expect(deleted).toMatchObject({ events: 0, versions: 0 });
		expect(await countRows(table)).toBe(before);
	});

	it.each([1, 100])('keeps a session with %i large events whose life was extended', async (events) => {
		await addSessions(ids(1, 2));
		await addEvents(idOf(1), events, LARGE);
		const { deleted } = await chunkWith(() =>
			query('UPDATE sessions SET expires_at = ? WHERE id = ?', FUTURE, idOf(1)),
		);
		expect(deleted.events).toBe(0);
		expect(await countRows('events')).toBe(events);
		expect(await countRows('sessions', 'id = ?', idOf(1))).toBe(1);
	});
});

/**
 * Compares the table of events, which is its primary key, with the same table with a rowid and an index:
 * `npx node bench/experiments/events-table.ts > bench/experiments/events-table.md`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readD1Migrations } from '@cloudflare/vitest-plugin';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { ROOT } from '../../scripts/wrangler.ts';
import { deleteExpired } from '../../src/cleanup/store.ts';
import { type Database, newQueryStats } from '../../src/core/database.ts';
import { raw, sql } from '../../src/core/sql.ts';
import { openDatabase } from '../../src/database/database.ts';
import { ownSession } from '../../src/database/session-store.ts';
import { appendEvent, insertEvents, type NewEvent } from '../../src/events/append-store.ts';
import { readEvents } from '../../src/events/read-store.ts';
import { deleteSession } from '../../src/sessions/delete-store.ts';
import { compatibilityDate } from '../contenders.ts';
import { type FileDatabase, openFile } from '../file-database.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { OWNER, sessionId } from '../seed.ts';
import { median } from '../statistics.ts';

const EVENTS_EACH = 30;
/** How many sessions get their events in turn, as they do while they are written at the same time. */
const AT_ONCE = 50;
const ROUNDS = 100;
const CLEANED_AT_ONCE = 10;
/** The bytes of a payload, and the number of sessions in the file whose size and times are measured. */
const CASES = [
	{ bytes: 32, sessions: 10_000 },
	{ bytes: 900, sessions: 3000 },
	{ bytes: 3000, sessions: 3000 },
	{ bytes: 65_536, sessions: 300 },
];
const forms = ['with a rowid', 'now'] as const;
type Form = (typeof forms)[number];

/** More than a session gets here. */
const QUOTA = { MAX_EVENTS_PER_SESSION: 100_000, MAX_EVENT_BYTES_PER_SESSION: 2 ** 30 };

const payloadOf = (bytes: number): string => `{"text":"${'x'.repeat(bytes - 11)}"}`;
const eventOf = (bytes: number): NewEvent => ({
	type: 'step.done',
	stage: null,
	message: null,
	payload: payloadOf(bytes),
	nonce: crypto.randomUUID().replaceAll('-', '').slice(0, 20),
});
const reference = (n: number) => ({
	id: sessionId(n),
	owner: { userId: OWNER, organizationId: null },
	now: new Date().toISOString(),
});

type Call = (db: Database, bytes: number, n: number) => Promise<unknown>;

const step =
	(count: number): Call =>
	(db, bytes, n) => {
		const events = Array.from({ length: count }, () => eventOf(bytes));
		const condition = { condition: ownSession(reference(n)), also: [] };
		return insertEvents(db, reference(n), { events, idempotency: undefined, quota: QUOTA }, condition);
	};

/** The calls that are measured, in this order. Each begins at a session of its own. */
const calls: Record<string, Call> = {
	append: (db, bytes, n) => appendEvent(db, reference(n), eventOf(bytes), undefined, QUOTA),
	'step of 10 events': step(10),
	[`page of ${EVENTS_EACH}`]: (db, _, n) => readEvents(db, reference(n), undefined, 'asc', EVENTS_EACH),
	[`deletion with ${EVENTS_EACH} events`]: (db, _, n) => deleteSession(db, reference(n), undefined),
};
const CLEANUP = `cleanup of ${CLEANED_AT_ONCE} sessions`;
const PAST = '2026-01-01T00:00:00.000Z';
const expire = (db: Database, n: number) =>
	db.run([
		sql`UPDATE sessions SET expires_at = ${PAST}
			WHERE id BETWEEN ${sessionId(n)} AND ${sessionId(n + CLEANED_AT_ONCE - 1)}`,
	]);
const cleanUp = (db: Database) => deleteExpired(db, new Date().toISOString());

const migrations = await readD1Migrations(join(ROOT, 'migrations'));
const schema = migrations.flatMap(({ queries }) => queries);

/** Makes the tables. In the earlier form, events have a rowid. */
async function makeTables(db: Database, form: Form): Promise<void> {
	for (const query of schema) {
		const isEarlier = form === 'with a rowid' && /CREATE TABLE events/.test(query);
		await db.run([raw(isEarlier ? query.replace(/,\s*WITHOUT ROWID/, '') : query)], { idempotent: false });
	}
}

/** Inserts sessions, and then events into each of them. `onSessions` is called between the two. */
async function fill(db: Database, bytes: number, sessions: number, onSessions = () => {}): Promise<void> {
	const times = [PAST, PAST, '2999-01-01T00:00:00.000Z'] as const;
	await db.run([
		sql`INSERT INTO sessions (id, user_id, status, created_at, updated_at, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${sessions})
			SELECT printf('sess_0%025d', i), ${OWNER}, 'intake', ${times[0]}, ${times[1]}, ${times[2]} FROM n`,
	]);
	onSessions();
	for (let first = 1; first <= sessions; first += AT_ONCE) {
		const insert = (position: number) =>
			sql`INSERT INTO events (session_id, position, bytes_so_far, id, type, payload, created_at)
				WITH RECURSIVE n (i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${first + AT_ONCE})
				SELECT printf('sess_0%025d', i), ${position}, ${position * (bytes + 'step.done'.length)}, printf('evt_%010d', ${position}) || lower(hex(randomblob(10))),
					'step.done', ${payloadOf(bytes)}, ${PAST} FROM n`;
		await db.run(Array.from({ length: EVENTS_EACH }, (_, at) => insert(at + 1)));
	}
}

/** The rows that D1 counts for each call, read / written. */
async function rowsOf(d1: D1Database, form: Form, bytes: number): Promise<Record<string, string>> {
	const stats = newQueryStats();
	const db = openDatabase(d1, stats);
	await makeTables(db, form);
	await fill(db, bytes, AT_ONCE);
	const rows: Record<string, string> = {};
	const count = async (title: string, run: () => Promise<unknown>) => {
		Object.assign(stats, newQueryStats());
		await run();
		rows[title] = `${stats.rowsRead} / ${stats.rowsWritten}`;
	};
	for (const [at, [title, call]] of Object.entries(calls).entries()) {
		await count(title, () => call(db, bytes, at + 1));
	}
	await expire(db, 11);
	await count(CLEANUP, () => cleanUp(db));
	return rows;
}

/** The median time of each call in microseconds, both databases in turn. */
async function timesOf(
	databases: Record<Form, Database>,
	bytes: number,
	sessions: number,
): Promise<Record<string, Record<Form, number>>> {
	const measured: Record<string, Record<Form, number>> = {};
	async function measure(
		title: string,
		rounds: number,
		run: (db: Database, round: number) => Promise<number>,
	) {
		progress(`${bytes} bytes, ${title}`);
		const times: Record<Form, number[]> = { 'with a rowid': [], now: [] };
		for (let round = 0; round < rounds; round += 1) {
			for (const form of forms) times[form].push(await run(databases[form], round));
		}
		measured[title] = { 'with a rowid': median(times['with a rowid']), now: median(times.now) };
	}
	/** Goes through the sessions in an order that does not find the next one in a page that was just read. */
	const nth = (round: number) => 1 + ((round * 7919) % sessions);
	for (const [title, call] of Object.entries(calls)) {
		await measure(title, ROUNDS, (db, round) => timeOf(() => call(db, bytes, nth(round))));
	}
	// The deletions above have left out the last sessions, or deleted some of them.
	await measure(CLEANUP, 15, async (db, round) => {
		await expire(db, sessions - CLEANED_AT_ONCE * (round + 1) + 1);
		return timeOf(() => cleanUp(db));
	});
	return measured;
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
	const started = performance.now();
	await run();
	return (performance.now() - started) * 1000;
}

const miniflare = new Miniflare(
	convertV4MiniflareOptions({
		name: 'tables',
		modules: [{ type: 'ESModule', path: 'index.js', contents: 'export default { fetch() {} };' }],
		compatibilityDate,
		d1Databases: Object.fromEntries(
			CASES.flatMap(({ bytes }) => [
				[`A_${bytes}`, `a-${bytes}`],
				[`B_${bytes}`, `b-${bytes}`],
			]),
		),
	}),
);
const folder = mkdtempSync(join(tmpdir(), 'events-table-'));
const table = [
	['payload, call', 'rows with a rowid', 'rows now', 'µs with a rowid', 'µs now', 'now : with a rowid'],
];
const sizes = [
	['payload', 'events', 'bytes an event with a rowid', 'bytes an event now', 'now : with a rowid'],
];
try {
	for (const { bytes, sessions } of CASES) {
		const rows = {} as Record<Form, Record<string, string>>;
		const files = {} as Record<Form, FileDatabase>;
		const bytesEach = {} as Record<Form, number>;
		for (const form of forms) {
			progress(`${bytes} bytes, ${form}`);
			const d1 = await miniflare.getD1Database(`${form === 'now' ? 'B' : 'A'}_${bytes}`, 'tables');
			rows[form] = await rowsOf(d1 as unknown as D1Database, form, bytes);
			files[form] = openFile(join(folder, `${form}-${bytes}.db`));
			await makeTables(files[form].db, form);
			let before = 0;
			await fill(files[form].db, bytes, sessions, () => {
				before = files[form].size();
			});
			bytesEach[form] = (files[form].size() - before) / (sessions * EVENTS_EACH);
		}
		const label = bytes.toLocaleString('en');
		const count = (sessions * EVENTS_EACH).toLocaleString('en');
		const ratio = ({ now, 'with a rowid': earlier }: Record<Form, number>) => (now / earlier).toFixed(2);
		sizes.push([label, count, ...forms.map((form) => bytesEach[form].toFixed(0)), ratio(bytesEach)]);
		const databases = { 'with a rowid': files['with a rowid'].db, now: files.now.db };
		for (const [title, times] of Object.entries(await timesOf(databases, bytes, sessions))) {
			const cells = [
				...forms.map((form) => rows[form][title] ?? ''),
				...forms.map((form) => times[form].toFixed(0)),
			];
			table.push([`${label}, ${title}`, ...cells, ratio(times)]);
		}
		for (const form of forms) files[form].close();
	}
} finally {
	await miniflare.dispose();
	rmSync(folder, { recursive: true });
}
progress('');
console.log(`# The table of events

Made by \`npx node bench/experiments/events-table.ts\`: the table of events, which is its primary key
\`(session_id, position)\`, compared with the same table with a rowid and an index. Payloads are in bytes. Each session has
${EVENTS_EACH} events, and ${AT_ONCE} sessions at a time got theirs in turn, as if they had been written at the same time.

${markdownTable([...table])}

${markdownTable(sizes)}

- Rows are those that a local D1 counts for the statements of the service, read / written.
- Times are those of the same statements in a SQLite file without the way to a D1 database, and without waiting for the disk:
  medians of ${ROUNDS} calls, both tables in turn.
- A row without a rowid keeps at most about 1,000 bytes on its page. SQLite stores the rest on pages of 4,096 bytes that no
  other row shares. So an event with a payload of 900 to 4,000 bytes takes 4.7 KB.
- To compare a key with such a row, SQLite reads the whole row. So the time of a look-up grows with the payloads. With a
  rowid, a look-up reads the index alone.
- ${describe(machine())}`);

/**
 * Measures how long the cleanup holds the database, for sessions that are large in different ways:
 * `npx node bench/experiments/cleanup.ts > bench/experiments/cleanup.md`. The names of cases as arguments measure only those.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readD1Migrations } from '@cloudflare/vitest-plugin';
import { ROOT } from '../../scripts/wrangler.ts';
import { deleteExpired } from '../../src/cleanup/store.ts';
import type { Database } from '../../src/core/database.ts';
import { raw, type Sql, sql } from '../../src/core/sql.ts';
import { openFile } from '../file-database.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { OWNER, sessionId } from '../seed.ts';
import { median } from '../statistics.ts';

const PAST = '2026-01-01T00:00:00.000Z';
const FUTURE = '2999-01-01T00:00:00.000Z';
const ROUNDS = 3;

/** Rows that a session has one after another: their number, and the bytes of the content of each. */
type Rows = readonly { count: number; bytes: number }[];
/** What each of some sessions has. */
interface Kind {
	sessions: number;
	events?: Rows;
	versions?: Rows;
	/** The bytes of each of the four objects. */
	objects?: number;
	/** Whether all of them are alive. */
	live?: true;
}

const LARGE = 65_536;
const TINY = 60;
const KEPT = 400_000;

/** The sessions that have expired. Between them are as many of each kind that are alive. */
const CASES: Record<string, Kind[]> = {
	'3 sessions, 1,000 events of 64 KB': [{ sessions: 3, events: [{ count: 1000, bytes: LARGE }] }],
	'100 sessions, 60 events of 64 KB': [{ sessions: 100, events: [{ count: 60, bytes: LARGE }] }],
	'500 sessions, 1 event of 64 KB': [{ sessions: 500, events: [{ count: 1, bytes: LARGE }] }],
	'1 session, 100,000 tiny events': [{ sessions: 1, events: [{ count: 100_000, bytes: TINY }] }],
	'1 session, 1,000 events of 64 KB, then 99,000 tiny ones': [
		{
			sessions: 1,
			events: [
				{ count: 1000, bytes: LARGE },
				{ count: 99_000, bytes: TINY },
			],
		},
	],
	'1 session, 99,000 tiny events, then 1,000 of 64 KB': [
		{
			sessions: 1,
			events: [
				{ count: 99_000, bytes: TINY },
				{ count: 1000, bytes: LARGE },
			],
		},
	],
	'1,000 sessions, 50 tiny events': [{ sessions: 1000, events: [{ count: 50, bytes: TINY }] }],
	'500 sessions, 1 tiny event, between living ones with 10 of 64 KB': [
		{ sessions: 500, events: [{ count: 1, bytes: TINY }] },
		{ sessions: 500, events: [{ count: 10, bytes: LARGE }], live: true },
	],
	'500 sessions, no versions, between living ones with 5 of 400 KB': [
		{ sessions: 500 },
		{ sessions: 500, versions: [{ count: 5, bytes: KEPT }], live: true },
	],
	'1,000 sessions, no events': [{ sessions: 1000 }],
	'200 sessions, 1,000 events of 900 bytes': [{ sessions: 200, events: [{ count: 1000, bytes: 900 }] }],
	'50 sessions, 10 versions of 400 KB': [{ sessions: 50, versions: [{ count: 10, bytes: KEPT }] }],
	'500 sessions, 1 version of 400 KB': [{ sessions: 500, versions: [{ count: 1, bytes: KEPT }] }],
	'500 sessions, 20 versions of 1 KB': [{ sessions: 500, versions: [{ count: 20, bytes: 1000 }] }],
	'100 sessions, 4 objects of 400 KB': [{ sessions: 100, objects: KEPT }],
	'a mix of these': [
		{ sessions: 1, events: [{ count: 1000, bytes: LARGE }], versions: [{ count: 10, bytes: KEPT }] },
		{ sessions: 20, events: [{ count: 60, bytes: LARGE }] },
		{ sessions: 200, events: [{ count: 30, bytes: TINY }], versions: [{ count: 3, bytes: 1000 }] },
		{ sessions: 50, events: [{ count: 1, bytes: LARGE }], objects: 10_000 },
		{ sessions: 20, versions: [{ count: 10, bytes: KEPT }] },
		{ sessions: 1, events: [{ count: 20_000, bytes: TINY }] },
	],
};

const textOf = (bytes: Sql): Sql => sql`'{"t":"' || replace(hex(zeroblob(${bytes} / 2)), '0', 'x') || '"}'`;

/** The statements that give one session what its kind has. */
function fillOne(id: string, expiresAt: string, { events = [], versions = [], objects }: Kind): Sql[] {
	const object = objects === undefined ? sql`NULL` : textOf(sql`${objects - 10}`);
	const statements = [
		sql`INSERT INTO sessions (id, user_id, status, version, created_at, updated_at, expires_at, prd, plan, product_object, assembly_state)
			VALUES (${id}, ${OWNER}, 'intake', 100, ${PAST}, ${PAST}, ${expiresAt}, ${object}, ${object}, ${object}, ${object})`,
	];
	let [position, bytesSoFar, version, bytesBefore] = [1, 0, 1, 0];
	for (const { count, bytes } of events) {
		const size = bytes + 'step.done'.length;
		statements.push(sql`INSERT INTO events (session_id, position, bytes_so_far, id, type, payload, created_at)
			WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})
			SELECT ${id}, ${position} + i, ${bytesSoFar} + (i + 1) * ${size}, printf('evt_%010d', ${position} + i) || '0123456789abcdef0123',
				'step.done', ${textOf(sql`${bytes - 10}`)}, ${PAST} FROM n`);
		position += count;
		bytesSoFar += count * size;
	}
	for (const { count, bytes } of versions) {
		statements.push(sql`INSERT INTO versions (session_id, version, bytes, bytes_before, next_after_event, next_changed, status,
				expires_at, updated_at, plan)
			WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})
			SELECT ${id}, ${version} + i, ${bytes}, ${bytesBefore} + i * ${bytes}, 0, 'plan', 'intake', ${FUTURE}, ${PAST},
				${textOf(sql`${bytes - 10}`)} FROM n`);
		version += count;
		bytesBefore += count * bytes;
	}
	return statements;
}

/** What the cleanup of a case took. */
interface Measured {
	chunks: number;
	statements: number;
	longestStatement: number;
	longestTrip: number;
	all: number;
}

const migrations = await readD1Migrations(join(ROOT, 'migrations'));
const folder = mkdtempSync(join(tmpdir(), 'cleanup-'));
const path = (name: string) => join(folder, name);

/** Makes a database with expired sessions of some kinds, and as many between them that live. */
async function makeFile(kinds: Kind[]): Promise<void> {
	rmSync(path('full.db'), { force: true });
	const { db, close } = openFile(path('full.db'));
	for (const query of migrations.flatMap(({ queries }) => queries)) {
		await db.run([raw(query)], { idempotent: false });
	}
	let number = 0;
	for (let nth = 0; kinds.some(({ sessions }) => nth < sessions); nth += 1) {
		for (const kind of kinds.filter(({ sessions }) => nth < sessions)) {
			const time = new Date(Date.parse(PAST) + number).toISOString();
			for (const expiresAt of [kind.live ? FUTURE : time, FUTURE]) {
				number += 1;
				await db.run(fillOne(sessionId(number), expiresAt, kind));
			}
		}
	}
	close();
}

async function cleanUp(): Promise<Measured> {
	copyFileSync(path('full.db'), path('now.db'));
	const measured = { chunks: 0, statements: 0, longestStatement: 0, longestTrip: 0, all: 0 };
	let trip = 0;
	const file = openFile(path('now.db'), (_, milliseconds) => {
		measured.statements += 1;
		measured.longestStatement = Math.max(measured.longestStatement, milliseconds);
		trip += milliseconds;
	});
	const ofTrip = async <Result>(result: Promise<Result>): Promise<Result> => {
		await result;
		measured.longestTrip = Math.max(measured.longestTrip, trip);
		measured.all += trip;
		trip = 0;
		return result;
	};
	const db: Database = {
		...file.db,
		all: (statement) => ofTrip(file.db.all(statement)),
		run: (statements) => ofTrip(file.db.run(statements)),
		change: (statements, options) => ofTrip(file.db.change(statements, options)),
	};
	for (;;) {
		const { isLast } = await deleteExpired(db, new Date().toISOString());
		if (isLast) break;
		measured.chunks += 1;
	}
	file.close();
	for (const end of ['', '-wal', '-shm']) rmSync(path(`now.db${end}`), { force: true });
	return measured;
}

const asked = process.argv.slice(2);
const table = [
	['expired sessions', 'chunks', 'statements', 'longest statement (ms)', 'longest trip (ms)', 'all (ms)'],
];
try {
	for (const [name, kinds] of Object.entries(CASES)) {
		if (asked.length > 0 && !asked.includes(name)) continue;
		progress(name);
		await makeFile(kinds);
		const rounds: Measured[] = [];
		for (let round = 0; round < ROUNDS; round += 1) rounds.push(await cleanUp());
		const of = (what: keyof Measured) => median(rounds.map((each) => each[what]));
		const times = (['longestStatement', 'longestTrip', 'all'] as const).map((what) => of(what).toFixed(1));
		const row = [name, String(of('chunks')), String(of('statements')), ...times];
		progress(row.join(' | '));
		table.push(row);
	}
} finally {
	rmSync(folder, { recursive: true });
}
progress('');
console.log(`# What the cleanup takes

Made by \`npx node bench/experiments/cleanup.ts\`: the cleanup of expired sessions that are large in different ways. As many sessions of
the same kinds are alive and lie between them.

${markdownTable(table)}

- Times are those of the processor in a SQLite file, without the way to a D1 database and without waiting for the disk. Of ${ROUNDS}
  cleanups, each figure is the median.
- D1 serves no other query during a trip. A chunk has two: one finds what the other deletes.
- A look-up in a table without rowids reads about two whole rows on each level of the table. So a chunk takes longest where it has
  most look-ups: for each row that it deletes, and two in each table for each session, which the foreign keys need. This
  also holds for sessions without versions that lie between sessions with large ones.
- ${describe(machine())}`);

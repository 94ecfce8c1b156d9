/**
 * Counts the rows that each call reads and writes while the database grows:
 * `npx node bench/experiments/growth.ts > bench/experiments/growth.md`.
 */
import { build, type Contender, type Cost, startContender } from '../contenders.ts';
import { costOf } from '../costs.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertEvents, insertSessions, OWNER, planOf, sessionId } from '../seed.ts';

const PATH = '/v1/products/generation/sessions';
/** The numbers of sessions in the database. */
const SIZES = [1, 1000, 1_000_000];
/** The numbers of events in the session. */
const EVENT_COUNTS = [10, 10_000];
/** The caller's share of a database with more than one session. */
const OWN_PART = 0.1;
const AT_ONCE = 20_000;

/** Inserts the sessions with the numbers from `from` to `to`. */
async function fill(d1: D1Database, from: number, to: number, owner: string): Promise<void> {
	for (let first = from; first <= to; first += AT_ONCE) {
		const count = Math.min(AT_ONCE, to - first + 1);
		await insertSessions(d1, { from: first, count, owner, plan: '{"steps":["outline","build"]}' });
	}
}

/** The cost of the calls on a session with the given number of events. */
async function costsWith(
	service: Contender,
	n: number,
	events: number,
	own: number,
): Promise<Record<string, Cost>> {
	const rows = { sessions: { from: n, count: 1 }, from: 1, count: events };
	await insertSessions(service.d1, { from: n, count: 1, owner: OWNER, plan: '{"steps":[]}' });
	await insertEvents(service.d1, rows);
	const path = `${PATH}/${sessionId(n)}`;
	const json = (value: unknown) => JSON.stringify(value);
	// The first call looks up the key.
	await costOf(service, { method: 'GET', path: `${PATH}?limit=1` });
	const costs = {
		create: await costOf(service, { method: 'POST', path: PATH, body: json({ prd: { title: 'x' } }) }),
		update: await costOf(service, { method: 'PATCH', path, body: json({ plan: { steps: [1] } }) }),
		'update of status': await costOf(service, {
			method: 'PATCH',
			path,
			body: json({ status: 'generating' }),
		}),
		append: await costOf(service, { method: 'POST', path: `${path}/events`, body: json({ type: 'note' }) }),
		details: await costOf(service, { method: 'GET', path }),
		'events page of 100': await costOf(service, { method: 'GET', path: `${path}/events?limit=100` }),
		list: await costOf(service, { method: 'GET', path: `${PATH}?limit=20` }),
		'list, last page': await costOf(service, {
			method: 'GET',
			path: `${PATH}?limit=20&offset=${Math.max(0, own - 20)}`,
		}),
		'list, 100 by place': await costOf(service, {
			method: 'GET',
			path: `${PATH}?limit=100&after=${sessionId(Math.min(own, 101))}`,
		}),
		delete: await costOf(service, { method: 'DELETE', path }),
	};
	// Remaining sessions would count in the next lists.
	await service.d1.batch([
		service.d1.prepare('DELETE FROM events'),
		service.d1.prepare(`DELETE FROM sessions WHERE id = ? OR created_at > '2026-06-01'`).bind(sessionId(n)),
	]);
	return costs;
}

/** The session that docs/scaling.md assumes: 10 KB of objects, and 30 events of usual size. */
const ASSUMED = { plan: JSON.stringify(planOf(10_000)), events: 30 } as const;
const PAYLOAD = '{"step":"step-12","tokens":1200,"model":"a-model","ms":18230}';
const IN_TURN = 50;

/** Inserts assumed sessions. Some of them at a time get their events in turn, as if they had been written at the same time. */
async function fillAssumed(d1: D1Database, from: number, count: number, onSessions = async () => {}) {
	await insertSessions(d1, { from, count, owner: 'user_assumed', plan: ASSUMED.plan });
	await onSessions();
	const insert = d1.prepare(`INSERT INTO events (session_id, position, id, type, stage, payload, created_at)
		WITH RECURSIVE s (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < ?1 + ?2)
		SELECT printf('sess_0%025d', i), ?3, printf('evt_%010d', ?3) || lower(hex(randomblob(10))), 'step.done', 'assembling',
			?4, '2026-01-02T00:00:00.000Z' FROM s`);
	for (let first = from; first < from + count; first += IN_TURN) {
		await d1.batch(
			Array.from({ length: ASSUMED.events }, (_, at) => insert.bind(first, IN_TURN, at + 1, PAYLOAD)),
		);
	}
}

async function sizeOf(d1: D1Database): Promise<number> {
	const { meta } = await d1.prepare('SELECT 1').run();
	return meta.size_after;
}

/** Says by how many bytes an assumed session and one of its events make the file larger. */
async function storageRemark(d1: D1Database): Promise<string> {
	// Those of the first sessions take the room that deletions have left.
	await fillAssumed(d1, 3_000_000, 500);
	const [before, sessions] = [await sizeOf(d1), 3000];
	let between = before;
	await fillAssumed(d1, 3_100_000, sessions, async () => {
		between = await sizeOf(d1);
	});
	const after = await sizeOf(d1);
	const each = ((between - before) / sessions / 1000).toFixed(1);
	const event = ((after - between) / sessions / ASSUMED.events).toFixed(0);
	const all = ((after - before) / sessions / 1000).toFixed(1);
	return `- A session with ${(ASSUMED.plan.length / 1000).toFixed(1)} KB of objects takes ${each} KB, and each of its events, with a payload of ${PAYLOAD.length} bytes, ${event} bytes: ${all} KB with ${ASSUMED.events} events.`;
}

const count = (number: number): string => number.toLocaleString('en');
const header = ['rows read / written'];
const rows: Record<string, string[]> = {};
const remarks: string[] = [];
const service = await startContender('service', build());
try {
	let [filled, own] = [0, 0];
	// The measured sessions are separate from those that fill the database, at its end.
	let next = 2_000_000;
	for (const size of SIZES) {
		const sessions = `${count(size)} session${size === 1 ? '' : 's'}`;
		progress(sessions);
		const wanted = size === 1 ? 1 : Math.round(size * OWN_PART);
		await fill(service.d1, filled + 1, filled + wanted - own, OWNER);
		await fill(service.d1, filled + wanted - own + 1, size, `user_${size}`);
		[filled, own] = [size, wanted];
		const megabytes = ((await sizeOf(service.d1)) / 1e6).toFixed(1);
		remarks.push(`- ${sessions}, ${count(own)} of them the caller's own: ${megabytes} MB.`);
		for (const events of EVENT_COUNTS) {
			const costs = await costsWith(service, next, events, own);
			next += 10;
			header.push(`${sessions}, ${count(events)} events`);
			for (const [name, { rowsRead, rowsWritten }] of Object.entries(costs)) {
				rows[name] = [...(rows[name] ?? [name]), `${rowsRead} / ${rowsWritten}`];
			}
		}
	}
	progress('storage');
	remarks.push(await storageRemark(service.d1));
} finally {
	await service.close();
}
progress('');
console.log(`# Growth

Made by \`npx node bench/experiments/growth.ts\`: the rows that D1 counts for one call, read / written. Each takes one trip.

${markdownTable([header, ...Object.values(rows)])}

${remarks.join('\n')}`);

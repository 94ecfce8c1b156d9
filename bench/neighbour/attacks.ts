import type { Contender } from '../contenders.ts';
import { insertEvents, insertSessions, OWNER, sessionId } from '../seed.ts';
import { attacksByForm } from './attacks-by-form.ts';
import { attacksByNumber, fillByNumber } from './attacks-by-number.ts';
import { furtherAttacks, makeVersions } from './further-attacks.ts';
import { type Attack, send } from './send.ts';

const MERGE = 'application/merge-patch+json';

/** The sessions of the attacker, by what is in them. */
const FULL = { from: 1, count: 40 };
const MANY_EVENTS = { from: 101, count: 5 };
const LARGE_EVENTS = { from: 201, count: 3 };
const FILLED = { from: 301, count: 4 };
const WIDE = { from: 401, count: 10 };
const DELETED = { from: 10_001, count: 200 };

const text = (bytes: number) => ({ text: 'x'.repeat(bytes) });
const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, n]));
const OBJECTS = ['prd', 'plan', 'productObject', 'assemblyState'] as const;
const objects = (value: object) => JSON.stringify(Object.fromEntries(OBJECTS.map((name) => [name, value])));

const fullBody = objects(text(399_000));
const wideMerge = objects(members(25_000));
const largeStep = JSON.stringify({
	events: Array.from({ length: 30 }, () => ({ type: 'note', payload: text(65_000) })),
});
const deepBody = `{"plan":${'{"a":'.repeat(99)}${JSON.stringify(text(390_000))}${'}'.repeat(99)}}`;
const manyDeep = `{"plan":{"a":[${Array.from({ length: 1900 }, () => `${'['.repeat(97)}${']'.repeat(97)}`).join(',')}]}}`;
const createBody = JSON.stringify({ prd: text(399_000) });

const one = ({ from, count }: { from: number; count: number }, n: number): string =>
	`/${sessionId(from + (n % count))}`;

/** Each sends its nth request. */
export const attacks: Record<string, Attack> = {
	'small merges into full objects': (to, n) =>
		send(to, {
			method: 'PATCH',
			path: one(FULL, n),
			body: objects({ n }),
			headers: { 'Content-Type': MERGE },
		}),
	'one small merge into a full object': (to, n) =>
		send(to, {
			method: 'PATCH',
			path: one(FULL, n),
			body: JSON.stringify({ plan: { n } }),
			headers: { 'Content-Type': MERGE },
		}),
	'merges of 4 x 400 KB': (to, n) =>
		send(to, { method: 'PATCH', path: one(FULL, n), body: fullBody, headers: { 'Content-Type': MERGE } }),
	'merges of 4 x 25,000 members': (to, n) =>
		send(to, { method: 'PATCH', path: one(FULL, n), body: wideMerge, headers: { 'Content-Type': MERGE } }),
	'merges of 4 x 25,000 members into as many': (to, n) =>
		send(to, { method: 'PATCH', path: one(WIDE, n), body: wideMerge, headers: { 'Content-Type': MERGE } }),
	'replacements of 4 x 400 KB': (to, n) => send(to, { method: 'PATCH', path: one(FULL, n), body: fullBody }),
	'creates with 400 KB': (to) => send(to, { method: 'POST', path: '', body: createBody }),
	'lists of full sessions': (to) =>
		send(to, { method: 'GET', path: `?limit=100&after=${sessionId(FULL.from + FULL.count)}` }),
	'details of a full session': (to, n) => send(to, { method: 'GET', path: one(FULL, n) }),
	'details with 1,000 events of 64 KB': (to, n) => send(to, { method: 'GET', path: one(LARGE_EVENTS, n) }),
	'deletions of 100,000 events': (to, n) => send(to, { method: 'DELETE', path: one(MANY_EVENTS, n) }),
	'deletions of 1,000 events of 4 KB': (to, n) => send(to, { method: 'DELETE', path: one(DELETED, n) }),
	'steps of 2 MB': (to, n) => send(to, { method: 'POST', path: `${one(FILLED, n)}/steps`, body: largeStep }),
	'streams that are opened again and again': (to, n) =>
		send(to, {
			method: 'GET',
			path: `${one(LARGE_EVENTS, n)}/events`,
			headers: { Accept: 'text/event-stream' },
			leavesAfter: 1,
		}),
	'keys made for a session': (to, n) => send(to, { method: 'POST', path: `${one(FULL, n)}/keys` }),
	'If-None-Match with 100 tags': (to, n) =>
		send(to, {
			method: 'GET',
			path: one(LARGE_EVENTS, n),
			headers: { 'If-None-Match': Array.from({ length: 100 }, (_, tag) => `W/"${tag}.${tag}"`).join(', ') },
		}),
	'deep bodies': (to, n) =>
		send(to, { method: 'PATCH', path: one(FULL, n), body: n % 2 ? deepBody : manyDeep }),
	'replays of a create with 400 KB': (to) =>
		send(to, { method: 'POST', path: '', body: createBody, headers: { 'Idempotency-Key': '"again"' } }),
	'small calls': (to, n) =>
		send(to, { method: 'POST', path: `${one(FULL, n)}/events`, body: '{"type":"a"}' }),
	...furtherAttacks,
	...attacksByForm,
	...attacksByNumber,
};

/** Makes the sessions of the attacker. */
export async function fill(service: Contender): Promise<void> {
	const { d1 } = service;
	const small = (at: { from: number; count: number }) =>
		insertSessions(d1, { ...at, owner: OWNER, plan: '{}' });
	for (const at of [FULL, MANY_EVENTS, LARGE_EVENTS, FILLED, WIDE, DELETED]) await small(at);
	const column = JSON.stringify(text(398_000));
	await d1
		.prepare(
			'UPDATE sessions SET prd = ?1, plan = ?1, product_object = ?1, assembly_state = ?1 WHERE id <= ?2',
		)
		.bind(column, sessionId(FULL.from + FULL.count - 1))
		.run();
	await d1
		.prepare(
			'UPDATE sessions SET prd = ?1, plan = ?1, product_object = ?1, assembly_state = ?1 WHERE id BETWEEN ?2 AND ?3',
		)
		.bind(JSON.stringify(members(25_000)), sessionId(WIDE.from), sessionId(WIDE.from + WIDE.count - 1))
		.run();
	for (let n = 0; n < MANY_EVENTS.count; n += 1) {
		await insertEvents(d1, { sessions: { from: MANY_EVENTS.from + n, count: 1 }, from: 1, count: 100_000 });
	}
	await insertEvents(d1, { sessions: LARGE_EVENTS, from: 1, count: 1000 });
	const enlarge = (at: { from: number; count: number }, bytes: number) =>
		d1
			.prepare(
				'UPDATE events SET payload = ?1, bytes_so_far = position * ?2 WHERE session_id BETWEEN ?3 AND ?4',
			)
			.bind(JSON.stringify(text(bytes - 11)), bytes, sessionId(at.from), sessionId(at.from + at.count - 1))
			.run();
	await enlarge(LARGE_EVENTS, 64_000);
	for (let n = 0; n < DELETED.count; n += 10) {
		const sessions = { from: DELETED.from + n, count: 10 };
		await insertEvents(d1, { sessions, from: 1, count: 1000 });
		await enlarge(sessions, 3900);
	}
	await fillByNumber(service);
	await makeVersions(service);
}

/**
 * Measures the calls of a caller while another one does the worst that its limits allow, 40 requests at once or AT_ONCE:
 * `npx node bench/experiments/neighbour.ts`, or with the names of some attacks.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Agent } from 'undici';
import { pause } from '../../src/core/pause.ts';
import { build, type Contender, newKey, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertEvents, insertSessions, OWNER, sessionId } from '../seed.ts';
import { percentile } from '../statistics.ts';

const SESSIONS = '/v1/products/generation/sessions';
const MERGE = 'application/merge-patch+json';
const AT_ONCE = Number(process.env.AT_ONCE ?? 40);
const CALLS = 200;
const QUIET = 'nothing';
const QUIET_CALLS = 500;
const WARM_UP_MS = 1500;
const FORK_MS = 500;
/** A caller that waits for longer than this in all gets no further calls. */
const PATIENCE_MS = 15_000;

/** The sessions of the attacker, by what is in them. */
const FULL = { from: 1, count: 40 };
const MANY_EVENTS = { from: 101, count: 5 };
const LARGE_EVENTS = { from: 201, count: 3 };
const FILLED = { from: 301, count: 4 };
const DELETED = { from: 10_001, count: 200 };
const NEIGHBOURS = 99_999;

const agent = new Agent({ connections: null });

/** Where a caller sends its requests. */
interface Sender {
	url: string;
	key: string;
}

interface Call {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	path: string;
	body?: string;
	headers?: Record<string, string>;
	/** The client leaves after this many bytes of the response. */
	leavesAfter?: number;
}

/** Sends a request, and returns its status once the response is over. */
async function send(
	{ url, key }: Sender,
	{ method, path, body, headers, leavesAfter }: Call,
): Promise<number> {
	const response = await agent.request({
		origin: url,
		path: SESSIONS + path,
		method,
		headers: {
			Authorization: `Bearer ${key}`,
			...(body ? { 'Content-Type': 'application/json' } : {}),
			...headers,
		},
		...(body ? { body } : {}),
	});
	let bytes = 0;
	for await (const chunk of response.body) {
		bytes += (chunk as Uint8Array).length;
		if (leavesAfter !== undefined && bytes >= leavesAfter) break;
	}
	return response.statusCode;
}

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
const attacks: Record<string, (sender: Sender, n: number) => Promise<number>> = {
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
	'replacements of 4 x 400 KB': (to, n) => send(to, { method: 'PATCH', path: one(FULL, n), body: fullBody }),
	'creates with 400 KB': (to) => send(to, { method: 'POST', path: '', body: createBody }),
	'lists of full sessions': (to) => send(to, { method: 'GET', path: '?limit=100' }),
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
};

/** The part of this program that attacks until its parent says that it is enough. */
async function attack(to: Sender, name: string): Promise<void> {
	const sendNth = attacks[name];
	if (!sendNth) throw new Error(`There is no attack "${name}".`);
	let isOver = false;
	process.once('message', () => {
		isOver = true;
	});
	const statuses: Record<number, number> = {};
	const began = performance.now();
	let next = 0;
	const worker = async () => {
		while (!isOver) {
			const status = await sendNth(to, next++);
			statuses[status] = (statuses[status] ?? 0) + 1;
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	const seconds = (performance.now() - began) / 1000;
	const figures = Object.entries(statuses).map(
		([status, count]) => `${status}: ${(count / seconds).toFixed(0)}/s`,
	);
	process.send?.(figures.join(', '));
	process.disconnect();
}

async function fill({ d1 }: Contender): Promise<void> {
	const small = (at: { from: number; count: number }) =>
		insertSessions(d1, { ...at, owner: OWNER, plan: '{}' });
	for (const at of [FULL, MANY_EVENTS, LARGE_EVENTS, FILLED, DELETED]) await small(at);
	const column = JSON.stringify(text(398_000));
	await d1
		.prepare(
			'UPDATE sessions SET prd = ?1, plan = ?1, product_object = ?1, assembly_state = ?1 WHERE id <= ?2',
		)
		.bind(column, sessionId(FULL.from + FULL.count - 1))
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
}

/** What calls have taken, each in milliseconds: by the clock, and of the processor time of the service and its database. */
interface Taken {
	clock: number[];
	processor: number[];
}

/** Times small calls one after another: an append, a read and a change in turn. */
async function smallCalls(service: Contender, from: Sender, count: number): Promise<Taken> {
	const taken: Taken = { clock: [], processor: [] };
	const path = `/${sessionId(NEIGHBOURS)}`;
	const began = performance.now();
	for (let n = 0; n < count && performance.now() - began < PATIENCE_MS; n += 1) {
		const calls: Call[] = [
			{ method: 'POST', path: `${path}/events`, body: '{"type":"a"}' },
			{ method: 'GET', path: `${path}?fields=status` },
			{ method: 'PATCH', path, body: `{"plan":{"n":${n}}}` },
		];
		const worked = service.mainThreadTime() ?? Number.NaN;
		const started = performance.now();
		const status = await send(from, calls[n % calls.length] as Call);
		taken.clock.push(performance.now() - started);
		taken.processor.push((service.mainThreadTime() ?? Number.NaN) - worked);
		if (status >= 300) throw new Error(`A small call got ${status}.`);
	}
	return taken;
}

const row = (name: string, { clock, processor }: Taken, attacked: string): string[] => [
	name,
	...[clock, processor].flatMap((times) => [0.5, 0.99].map((part) => percentile(times, part).toFixed(1))),
	String(clock.length),
	attacked,
];

async function measured(service: Contender, neighbour: Sender, name: string): Promise<string[]> {
	progress(name);
	if (name === QUIET) return row(name, await smallCalls(service, neighbour, QUIET_CALLS), '');
	const attacker = fork(fileURLToPath(import.meta.url), ['attack', service.url, service.key, name]);
	// Deletions are soon over.
	await pause(name.startsWith('deletions') ? FORK_MS : WARM_UP_MS);
	const taken = await smallCalls(service, neighbour, CALLS);
	attacker.send('enough');
	const [figures] = await once(attacker, 'message');
	await pause(WARM_UP_MS);
	return row(name, taken, String(figures));
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'attack') {
	const [url = '', key = '', name = ''] = rest;
	await attack({ url, key }, name);
} else {
	const service = await startContender('service', build());
	await fill(service);
	const neighbour = { url: service.url, key: await newKey(service.d1, 'user_neighbour') };
	await insertSessions(service.d1, { from: NEIGHBOURS, count: 1, owner: 'user_neighbour', plan: '{}' });
	await smallCalls(service, neighbour, CALLS);
	const asked = process.argv.slice(2);
	const rows: string[][] = [];
	for (const name of asked.length > 0 ? asked : [QUIET, ...Object.keys(attacks)]) {
		rows.push(await measured(service, neighbour, name));
	}
	await service.close();
	console.log(`# A caller beside one that does its worst\n\n${describe(machine())}.\n`);
	console.log(
		markdownTable([
			[
				'the other caller',
				'p50 (ms)',
				'p99 (ms)',
				'processor p50 (ms)',
				'processor p99 (ms)',
				'calls',
				'answers of the other caller',
			],
			...rows,
		]),
	);
	process.exit(0);
}

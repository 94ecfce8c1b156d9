/**
 * Measures the latency for callers on three continents, first with one database and then with one on each continent, and the
 * throughput of one, two and four databases: `npx node bench/experiments/placement.ts > bench/experiments/placement.md`.
 */
import { Pool } from 'undici';
import { databaseName } from '../../src/core/placement-setting.ts';
import { build } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { median, rounded } from '../statistics.ts';
import { type AwayService, BUSY_MS, FAR_MS, NEAR_MS, OWNERS, PLACES, startAway } from './away.ts';

const SESSIONS = '/v1/products/generation/sessions';
const LIVES = 3;
const LOAD_MS = 4000;
const CONNECTIONS = 64;

type Send = (
	method: 'GET' | 'POST' | 'PATCH',
	path: string,
	body?: object,
	headers?: Record<string, string>,
) => Promise<{ id: string }>;

const sender =
	(pool: Pool, key: string | undefined, place: number): Send =>
	async (method, path, body, headers = {}) => {
		const response = await pool.request({
			path: SESSIONS + path,
			method,
			body: body ? JSON.stringify(body) : null,
			headers: {
				Authorization: `Bearer ${key}`,
				'X-Place': String(place),
				...(body ? { 'Content-Type': 'application/json' } : {}),
				...headers,
			},
		});
		const text = await response.body.text();
		if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
		return JSON.parse(text) as { id: string };
	};

/** How long a caller at one place waits for each call: medians, in milliseconds. */
async function livesOf(service: AwayService, place: number): Promise<number[]> {
	const pool = new Pool(service.url, { connections: 1, pipelining: 1 });
	const send = sender(pool, service.keys[place], place);
	// In the order of the table. A life is the 61 calls of the session that docs/scaling.md assumes.
	const taken = {
		create: [] as number[],
		createWithKey: [] as number[],
		update: [] as number[],
		list: [] as number[],
		life: [] as number[],
	};
	async function timed<T>(name: keyof typeof taken, work: () => Promise<T>): Promise<T> {
		const started = performance.now();
		const result = await work();
		taken[name].push(performance.now() - started);
		return result;
	}
	// After this call the isolate has cached the key.
	await send('GET', '?limit=1');
	for (let life = 0; life < LIVES; life += 1) {
		await timed('life', async () => {
			const { id } = await timed('create', () => send('POST', '', { prd: { title: 'x' } }));
			for (let n = 0; n < 10; n += 1) {
				await timed('update', () => send('PATCH', `/${id}`, { plan: { n } }));
				for (let event = 0; event < 3; event += 1) await send('POST', `/${id}/events`, { type: 'note' });
				await send('GET', `/${id}/events?limit=10`);
				if (n % 2 === 1) continue;
				await send('GET', `/${id}`);
				await timed('list', () => send('GET', '?limit=20'));
			}
		});
		const key = { 'Idempotency-Key': crypto.randomUUID() };
		await timed('createWithKey', () => send('POST', '', {}, key));
	}
	await pool.close();
	return Object.values(taken).map((times) => Math.round(median(times)));
}

/**
 * The updates a second that a number of databases serves. With `isSerial` each database does one trip at a time and takes
 * BUSY_MS for it; otherwise there is no artificial delay.
 */
async function throughput(script: string, count: number, isSerial: boolean): Promise<number> {
	const service = await startAway(script, count, {
		SERIAL: String(isSerial),
		// All databases serve the place of the callers, so the owners are spread over all of them.
		PLACEMENT: Array.from({ length: count }, (_, number) => `${databaseName(number)}=enam`).join(' '),
	});
	const pool = new Pool(service.url, { connections: CONNECTIONS, pipelining: 1 });
	try {
		const senders = service.keys.map((key) => sender(pool, key, 0));
		const ids = await Promise.all(senders.map(async (send) => (await send('POST', '', {})).id));
		let done = 0;
		const started = performance.now();
		await Promise.all(
			senders.map(async (send, at) => {
				for (let n = 0; performance.now() - started < LOAD_MS; n += 1) {
					await send('PATCH', `/${ids[at]}`, { plan: { n } });
					done += 1;
				}
			}),
		);
		return Math.round(done / ((performance.now() - started) / 1000));
	} finally {
		await pool.close();
		await service.close();
	}
}

progress('building');
const script = build();
const places = [
	['caller in', 'databases', 'create', 'with a key', 'update', 'list', 'a session of 61 calls'],
];
for (const [databases, count, PLACEMENT] of [
	['one, in North America', 1, ''],
	['three, one on each continent', 3, 'DB=enam,wnam DB_1=weur,eeur DB_2=apac,oc'],
] as const) {
	progress(databases);
	const service = await startAway(script, count, { PLACEMENT });
	try {
		const lives = await Promise.all(PLACES.map((_, place) => livesOf(service, place)));
		PLACES.forEach(({ name }, place) => {
			places.push([name, databases, ...(lives[place] ?? []).map((ms) => `${ms} ms`)]);
		});
	} finally {
		await service.close();
	}
}

const throughputs = [
	['databases', 'updates a second', `${BUSY_MS} ms a trip, one at a time`, 'compared with one database'],
];
let ofOne = Number.NaN;
for (const databases of [1, 2, 4]) {
	progress(`throughput of ${databases}`);
	const free = await throughput(script, databases, false);
	const busy = await throughput(script, databases, true);
	if (databases === 1) ofOne = busy;
	throughputs.push([String(databases), String(free), String(busy), `${rounded(busy / ofOne)} ×`]);
}
progress('');
console.log(`# Latency and throughput of several databases

Made by \`npx node bench/experiments/placement.ts\`. ${describe(machine())}.

Each trip to a database has an artificial delay: ${NEAR_MS} ms on the caller's continent, and ${FAR_MS} ms to any other. The figures are
medians of ${LIVES} sessions, with callers on all three continents at once. A session is the one of
[docs/scaling.md](../../docs/scaling.md#what-a-million-sessions-a-day-cost): 1 create, 10 updates, 30 events, 5 details,
5 lists and 10 pages of events, one call after the other.

${markdownTable(places)}

A list asks every database, so it takes as long as a trip to the farthest one. A create with an \`Idempotency-Key\` takes
a trip to \`DB\` first.

The throughput is that of updates by ${OWNERS} callers at once over ${CONNECTIONS} connections, without that delay. The load generator, the
Worker and all databases share this machine, so the first column of figures does not grow with the number of databases.
In the second column each database takes ${BUSY_MS} ms for each trip and does one trip at a time, as D1 does with queries.

${markdownTable(throughputs)}`);

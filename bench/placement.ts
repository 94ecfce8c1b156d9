import { Pool } from 'undici';
import { databaseName } from '../src/core/placement.ts';
import { type AwayService, PLACES, startAway } from './away.ts';
import { build } from './contenders.ts';
import { median } from './load.ts';

const SESSIONS = '/v1/products/generation/sessions';
export const LIVES = 3;
const LOAD_MS = 4000;
export const CONNECTIONS = 64;

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

/** How long a caller of one continent waits for each call: medians, in milliseconds. */
export interface PlaceRow {
	place: string;
	databases: string;
	create: number;
	createWithKey: number;
	update: number;
	list: number;
	/** The 61 calls of the session that docs/scaling.md assumes, one after the other. */
	life: number;
}

async function livesOf(service: AwayService, place: number, databases: string): Promise<PlaceRow> {
	const pool = new Pool(service.url, { connections: 1, pipelining: 1 });
	const send = sender(pool, service.keys[place], place);
	const taken: Record<'create' | 'createWithKey' | 'update' | 'list' | 'life', number[]> = {
		create: [],
		createWithKey: [],
		update: [],
		list: [],
		life: [],
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
	const [create, createWithKey, update, list, life] = [
		taken.create,
		taken.createWithKey,
		taken.update,
		taken.list,
		taken.life,
	].map((times) => Math.round(median(times)));
	const of = (value: number | undefined) => value ?? Number.NaN;
	return {
		place: PLACES[place]?.name ?? '',
		databases,
		create: of(create),
		createWithKey: of(createWithKey),
		update: of(update),
		list: of(list),
		life: of(life),
	};
}

/** The updates a second that a number of databases serves. */
export interface ThroughputRow {
	databases: number;
	/** Without an artificial delay. */
	machine: number;
	/** With databases that each do one trip at a time and take BUSY_MS for it. */
	busy: number;
}

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

/**
 * Measures the latency for callers on three continents, first with one database and then with one on each continent, and
 * the throughput of one, two and four databases.
 */
export async function measurePlacement(
	progress: (text: string) => void,
): Promise<{ places: PlaceRow[]; throughput: ThroughputRow[] }> {
	progress('building');
	const script = build(undefined, 'service');
	const places: PlaceRow[] = [];
	for (const [databases, count, PLACEMENT] of [
		['one, in North America', 1, ''],
		['three, one on each continent', 3, 'DB=enam,wnam DB_1=weur,eeur DB_2=apac,oc'],
	] as const) {
		progress(databases);
		const service = await startAway(script, count, { PLACEMENT });
		try {
			places.push(...(await Promise.all(PLACES.map((_, at) => livesOf(service, at, databases)))));
		} finally {
			await service.close();
		}
	}
	const rows: ThroughputRow[] = [];
	for (const databases of [1, 2, 4]) {
		progress(`throughput of ${databases}`);
		rows.push({
			databases,
			machine: await throughput(script, databases, false),
			busy: await throughput(script, databases, true),
		});
	}
	return { places, throughput: rows };
}

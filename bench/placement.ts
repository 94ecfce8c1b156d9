import { readD1Migrations } from '@cloudflare/vitest-plugin';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { Pool } from 'undici';
import { unstable_readConfig } from 'wrangler';
import { issueKey } from '../src/auth/issue-key.ts';
import { databaseName } from '../src/core/placement.ts';
import { openDatabase } from '../src/database/database.ts';
import { build, compatibilityDate, ROOT } from './contenders.ts';
import { median } from './load.ts';
import { rounded } from './measure.ts';
import { markdownTable } from './report.ts';

const SESSIONS = '/v1/products/generation/sessions';
/** Milliseconds that a trip to a database of the caller's continent takes, and to any other. */
const NEAR_MS = 10;
const FAR_MS = 150;
const LIVES = 3;
/** How long a database is busy with each trip, and answers nobody else, as D1 does. */
const BUSY_MS = 5;
const LOAD_MS = 4000;
const CONNECTIONS = 64;
const OWNERS = 64;

const PLACES = [
	{ name: 'North America', cf: { continent: 'NA', longitude: '-77' } },
	{ name: 'Europe', cf: { continent: 'EU', longitude: '2' } },
	{ name: 'Asia', cf: { continent: 'AS', longitude: '139' } },
] as const;

/**
 * The service with databases that are some way off. The caller's place is a header, because a local request has none of its
 * own. With SERIAL a database does one trip at a time and takes BUSY_MS for it.
 */
const AWAY = `import worker from './worker.js';
export { Hub } from './worker.js';
const places = ${JSON.stringify(PLACES.map(({ cf }) => cf))};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const freeAt = new Map();
async function busy(name, work) {
	const now = Date.now();
	const end = Math.max(now, freeAt.get(name) ?? 0) + ${BUSY_MS};
	freeAt.set(name, end);
	await pause(end - now);
	return work();
}
function away(d1, trip) {
	const statement = (inner) => ({
		inner,
		bind: (...values) => statement(inner.bind(...values)),
		all: () => trip(() => inner.all()),
	});
	return { withSession(from) {
		const session = d1.withSession(from);
		return {
			prepare: (sql) => statement(session.prepare(sql)),
			batch: (all) => trip(() => session.batch(all.map(({ inner }) => inner))),
			getBookmark: () => session.getBookmark(),
		};
	} };
}
const limiter = { limit: async () => ({ success: true }) };
const made = new Map();
function environmentOf(env, place) {
	if (!made.has(place)) {
		const databases = Object.keys(env).filter((name) => /^DB(_\\d+)?$/.test(name)).map((name) => {
			const at = name === 'DB' ? 0 : Number(name.slice(3));
			const trip = env.SERIAL === 'true'
				? (work) => busy(name, work)
				: async (work) => { await pause(at === place ? ${NEAR_MS} : ${FAR_MS}); return work(); };
			return [name, away(env[name], trip)];
		});
		made.set(place, { ...env, ...Object.fromEntries(databases), RATE_LIMITER: limiter, GUESS_LIMITER: limiter });
	}
	return made.get(place);
}
export default {
	fetch(request, env, context) {
		const place = Number(request.headers.get('X-Place') ?? 0);
		return worker.fetch(new Request(request, { cf: places[place] }), environmentOf(env, place), context);
	},
};`;

interface Service {
	url: string;
	keys: string[];
	close(): Promise<void>;
}

async function start(script: string, count: number, vars: Record<string, string>): Promise<Service> {
	const names = Array.from({ length: count }, (_, number) => databaseName(number));
	const { vars: usual } = unstable_readConfig({ config: `${ROOT}/wrangler.toml` });
	const miniflare = new Miniflare(
		convertV4MiniflareOptions({
			handleStructuredLogs: () => {},
			name: 'service',
			modules: [
				{ type: 'ESModule', path: 'index.js', contents: AWAY },
				{ type: 'ESModule', path: 'worker.js', contents: script },
			],
			compatibilityDate,
			bindings: {
				...Object.fromEntries(Object.entries(usual).map(([name, value]) => [name, String(value)])),
				...vars,
			},
			d1Databases: Object.fromEntries(names.map((name) => [name, name])),
			durableObjects: { HUB: { className: 'Hub', useSQLite: true } },
			unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
		}),
	);
	await miniflare.ready;
	const migrations = await readD1Migrations(`${ROOT}/migrations`);
	for (const name of names) {
		const d1 = (await miniflare.getD1Database(name, 'service')) as unknown as D1Database;
		for (const { queries } of migrations) await d1.batch(queries.map((query) => d1.prepare(query)));
	}
	const main = (await miniflare.getD1Database('DB', 'service')) as unknown as D1Database;
	const keys: string[] = [];
	for (let n = 0; n < OWNERS; n += 1) {
		const { key } = await issueKey(openDatabase(main), {
			userId: `user_${n}`,
			organizationId: null,
			name: null,
			permissions: ['*'],
			environment: 'test',
			expiresAt: null,
		});
		keys.push(key);
	}
	const { origin: url } = await miniflare.unsafeGetDirectURL('service');
	return { url, keys, close: () => miniflare.dispose() };
}

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

/** What a caller of one continent waits for, in milliseconds: medians. */
export interface PlaceRow {
	place: string;
	databases: string;
	create: number;
	createWithKey: number;
	update: number;
	list: number;
	/** The assumed session of docs/scaling.md: 61 calls, one after the other. */
	life: number;
}

async function livesOf(service: Service, place: number, databases: string): Promise<PlaceRow> {
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
	// The isolate learns the key.
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

/** Updates a second of so many databases. */
export interface ThroughputRow {
	databases: number;
	/** As fast as this machine is. */
	machine: number;
	/** Where each database takes BUSY_MS for a trip and answers nobody else meanwhile. */
	busy: number;
}

async function throughput(script: string, count: number, isSerial: boolean): Promise<number> {
	const service = await start(script, count, {
		SERIAL: String(isSerial),
		// All serve the callers' place, so that the owners are spread over them.
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

/** Measures callers of three continents, with one database far from two of them and with one near each, and the throughput. */
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
		const service = await start(script, count, { PLACEMENT });
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

export const placementTable = (rows: readonly PlaceRow[]): string[][] => [
	['caller in', 'databases', 'create', 'with a key', 'update', 'list', 'a session of 61 calls'],
	...rows.map((row) => [
		row.place,
		row.databases,
		...[row.create, row.createWithKey, row.update, row.list, row.life].map((ms) => `${ms} ms`),
	]),
];

export const throughputTable = (rows: readonly ThroughputRow[]): string[][] => [
	['databases', 'updates a second', `${BUSY_MS} ms a trip, one at a time`, 'of one'],
	...rows.map(({ databases, machine, busy }) => [
		String(databases),
		String(machine),
		String(busy),
		`${rounded(busy / (rows[0]?.busy ?? Number.NaN))} ×`,
	]),
];

export const placementMarkdown = (
	{ places, throughput: rows }: { places: readonly PlaceRow[]; throughput: readonly ThroughputRow[] },
	machine: string,
): string => `# Near everyone, and past one database

Made by \`npm run bench -- --placement\`. ${machine}.

An artificial delay stands before each trip to a database: ${NEAR_MS} ms to one on the caller's continent, ${FAR_MS} ms to any other. Medians of
${LIVES} sessions, for callers on all three continents at once. A session is the one of [docs/scaling.md](../docs/scaling.md#what-a-million-sessions-a-day-cost): 1
create, 10 updates, 30 events, 5 details, 5 lists and 10 pages of events, one call after the other.

${markdownTable(placementTable(places))}

The list asks every database, so it takes as long as the farthest one. A create with an \`Idempotency-Key\` goes to \`DB\` first.

Throughput: updates by ${OWNERS} callers at once over ${CONNECTIONS} connections, without that delay. In the first column load generator, Worker
and all databases share this machine, whatever their number; in the second each database is busy for ${BUSY_MS} ms with each trip
and answers nobody else meanwhile, as D1 does.

${markdownTable(throughputTable(rows))}
`;

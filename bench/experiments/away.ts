import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { databaseName } from '../../src/core/placement-setting.ts';
import { compatibilityDate, configuredVars, migratedDatabase, newKey } from '../contenders.ts';

/** The delay of a trip to a database on the caller's continent, and to any other, in milliseconds. */
export const NEAR_MS = 10;
export const FAR_MS = 150;
/** How long a database takes for a trip when it does one trip at a time, as D1 does with queries. In milliseconds. */
export const BUSY_MS = 5;
export const OWNERS = 64;

/** Where callers are. The first database is near the first place, and so on. */
export const PLACES = [
	{ name: 'North America', cf: { continent: 'NA', longitude: '-77' } },
	{ name: 'Europe', cf: { continent: 'EU', longitude: '2' } },
	{ name: 'Asia', cf: { continent: 'AS', longitude: '139' } },
] as const;

/**
 * A Worker that runs the service with a delay before each trip to a database. The header X-Place says where the caller is,
 * because a local request has no place. With SERIAL, each database does one trip at a time and takes BUSY_MS for it.
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

/** The running service, with a delay before each trip to a database, and a key for each of OWNERS callers. */
export interface AwayService {
	url: string;
	keys: string[];
	close(): Promise<void>;
}

/** Starts the service with `count` databases. */
export async function startAway(
	script: string,
	count: number,
	vars: Record<string, string>,
): Promise<AwayService> {
	const names = Array.from({ length: count }, (_, number) => databaseName(number));
	const miniflare = new Miniflare(
		convertV4MiniflareOptions({
			handleStructuredLogs: () => {},
			name: 'service',
			modules: [
				{ type: 'ESModule', path: 'index.js', contents: AWAY },
				{ type: 'ESModule', path: 'worker.js', contents: script },
			],
			compatibilityDate,
			bindings: { ...configuredVars, ...vars },
			d1Databases: Object.fromEntries(names.map((name) => [name, name])),
			durableObjects: { HUB: { className: 'Hub', useSQLite: true } },
			unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
		}),
	);
	await miniflare.ready;
	const databases: D1Database[] = [];
	for (const name of names) databases.push(await migratedDatabase(miniflare, name, 'service'));
	const [main] = databases;
	if (!main) throw new Error('A service needs a database.');
	const keys: string[] = [];
	for (let n = 0; n < OWNERS; n += 1) keys.push(await newKey(main, `user_${n}`));
	const { origin: url } = await miniflare.unsafeGetDirectURL('service');
	return { url, keys, close: () => miniflare.dispose() };
}

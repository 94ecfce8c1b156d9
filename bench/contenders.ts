import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readD1Migrations } from '@cloudflare/vitest-plugin';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_readConfig } from 'wrangler';
import { CONFIG, ROOT, wrangler } from '../scripts/wrangler.ts';
import { issueKey } from '../src/auth/issue-key.ts';
import { openDatabase } from '../src/database/database.ts';
import { OWNER } from './seed.ts';
import { mainThreadTimeOf, memoryOf, processorTimeOf, workerdProcesses } from './workerd.ts';

const config = unstable_readConfig({ config: CONFIG });
export const compatibilityDate = config.compatibility_date ?? '';

/** The settings of wrangler.toml. */
export const configuredVars = Object.fromEntries(
	Object.entries(config.vars).map(([name, value]) => [name, String(value)]),
);

/** `service` is this project. The files in `workers` describe the others. */
export const contenderNames = ['service', 'floor', 'usual'] as const;
export type ContenderName = (typeof contenderNames)[number];

/** The cost of a request of the service, or of its stream, from its log line. */
export interface Cost {
	d1Trips: number;
	rowsRead: number;
	rowsWritten: number;
}

/** A Worker with a separate database. */
export interface Contender {
	name: string;
	url: string;
	key: string;
	d1: D1Database;
	/** Called with the cost of each request in the service's log. The log is ignored while this is undefined. */
	onCost: ((cost: Cost) => void) | undefined;
	/** The current resident size of its workerd in bytes; null on systems that do not report it. */
	memory(): number | null;
	/** The peak resident size of its workerd in bytes; null on systems that do not report it. */
	peakMemory(): number | null;
	/** The processor time of its workerd in milliseconds; null on systems that do not report it. */
	processorTime(): number | null;
	/** The processor time of the thread that runs its Worker and its database in milliseconds; null on systems that do not report it. */
	mainThreadTime(): number | null;
	close(): Promise<void>;
}

/**
 * Builds a Worker with wrangler and the settings of wrangler.toml, minified as for an upload, and returns its script: the
 * service, or another one from its file in this folder.
 */
export function build(entry?: `${string}.ts`): string {
	const name = entry ? basename(entry, '.ts') : 'index';
	const folder = join(ROOT, 'dist', 'bench', name);
	mkdirSync(folder, { recursive: true });
	// wrangler.toml names the hub's class, which other Workers do not have.
	const settings = join(folder, 'wrangler.json');
	const { compatibility_date, minify } = config;
	writeFileSync(settings, JSON.stringify({ name, compatibility_date, minify }));
	const other = entry ? [join('bench', entry), '--config', settings] : [];
	wrangler('deploy', ...other, '--dry-run', '--outdir', folder);
	return readFileSync(join(folder, `${name}.js`), 'utf8');
}

/**
 * The service with a rate limiter that counts in memory and never rejects a request. On Cloudflare the binding also
 * counts in the memory of the machine, without a network call; Miniflare's stand-in writes to a second SQLite database
 * on each call.
 */
const COUNTING_IN_MEMORY = `import worker from './worker.js';
export { Hub } from './worker.js';
const counts = new Map();
const RATE_LIMITER = {
	async limit({ key }) {
		counts.set(key, (counts.get(key) ?? 0) + 1);
		return { success: true };
	},
};
let bindings;
export default {
	fetch: (request, env, context) => worker.fetch(request, (bindings ??= { ...env, RATE_LIMITER }), context),
};`;

const esModule = (path: string, contents: string) => ({ type: 'ESModule' as const, path, contents });

/**
 * Starts a contender on a new, migrated database with one API key. Requests reach the Worker directly and not through
 * Miniflare's entry Worker, whose cost would hide the differences between the contenders. `vars` replace those of wrangler.toml.
 */
export async function startContender(
	name: ContenderName | 'broadcast' | 'stream',
	script: string,
	rateLimiter: 'in memory' | "Miniflare's own" = 'in memory',
	vars: Readonly<Record<string, string>> = {},
): Promise<Contender> {
	const before = workerdProcesses();
	const contender = { onCost: undefined } as Pick<Contender, 'onCost'>;
	const inMemory = name === 'service' && rateLimiter === 'in memory';
	const miniflare = new Miniflare(
		convertV4MiniflareOptions({
			// Without a handler Miniflare prints the log. The Worker writes it in either case.
			handleStructuredLogs: ({ message }) => {
				if (contender.onCost) noteCost(message, contender.onCost);
			},
			name: 'contender',
			modules: inMemory
				? [esModule('index.js', COUNTING_IN_MEMORY), esModule('worker.js', script)]
				: [esModule('index.js', script)],
			compatibilityDate,
			// The experiments with followers open more streams of one caller than an isolate usually allows.
			bindings: { ...configuredVars, MAX_STREAMS_PER_CALLER: '10000', ...vars },
			d1Databases: { DB: 'benchmark' },
			...(name === 'service' || name === 'broadcast'
				? { durableObjects: { HUB: { className: 'Hub', useSQLite: true } } }
				: {}),
			ratelimits: {
				RATE_LIMITER: { namespace_id: '1', simple: { limit: 1e9, period: 60 } },
				SESSION_KEY_LIMITER: { namespace_id: '3', simple: { limit: 1e9, period: 60 } },
				GUESS_LIMITER: { namespace_id: '2', simple: { limit: 1e9, period: 60 } },
			},
			unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
		}),
	);
	await miniflare.ready;
	const d1 = await migratedDatabase(miniflare, 'DB', 'contender');
	const key = await newKey(d1, OWNER);
	const [pid] = workerdProcesses().filter((each) => !before.includes(each));
	return Object.assign(contender, {
		name,
		key,
		d1,
		url: (await miniflare.unsafeGetDirectURL('contender')).origin,
		memory: () => (pid === undefined ? null : memoryOf(pid, 'VmRSS')),
		peakMemory: () => (pid === undefined ? null : memoryOf(pid, 'VmHWM')),
		processorTime: () => (pid === undefined ? null : processorTimeOf(pid)),
		mainThreadTime: () => (pid === undefined ? null : mainThreadTimeOf(pid)),
		close: () => miniflare.dispose(),
	});
}

/** A database of a Worker, with the newest schema. */
export async function migratedDatabase(
	miniflare: Miniflare,
	binding: string,
	worker: string,
): Promise<D1Database> {
	const d1 = (await miniflare.getD1Database(binding, worker)) as unknown as D1Database;
	for (const { queries } of await readD1Migrations(join(ROOT, 'migrations'))) {
		await d1.batch(queries.map((query) => d1.prepare(query)));
	}
	return d1;
}

/** Makes a key with all permissions, and returns it. */
export async function newKey(d1: D1Database, userId: string): Promise<string> {
	const { key } = await issueKey(openDatabase(d1), {
		userId,
		organizationId: null,
		name: 'benchmark',
		permissions: ['*'],
		environment: 'test',
		expiresAt: null,
	});
	return key;
}

function noteCost(message: string, note: (cost: Cost) => void): void {
	if (!message.startsWith('{')) return;
	const line = JSON.parse(message) as Record<string, unknown>;
	if (line.message !== 'request' && line.message !== 'stream ended') return;
	note({
		d1Trips: Number(line.d1Trips),
		rowsRead: Number(line.d1RowsRead),
		rowsWritten: Number(line.d1RowsWritten),
	});
}

/**
 * `npm run dev`: prepares the local database, makes sure there is a local API key, serves, and says how to call the
 * service and how to look at it once it answers. Arguments go to `wrangler dev`; `--port` and `--persist-to` are also understood here.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { issueKey } from '../src/auth/issue-key.ts';
import { findApiKey } from '../src/auth/store.ts';
import { sha256Hex } from '../src/core/sha256.ts';
import { openDatabase } from '../src/database/database.ts';
import { isPortUsed, startWranglerDev } from './dev-server.ts';
import { exitCodeOf, Failure } from './failure.ts';
import { serveKeyForCode } from './key-for-code.ts';
import { applyLocalMigrations, openD1 } from './open-d1.ts';
import { keepForOwner } from './owner-only.ts';
import { configuredDatabases, ROOT } from './wrangler.ts';

const HELP = `npm run dev -- [--port NUMBER] [--persist-to DIR] [OPTIONS]

Prepares the local database, makes a local API key, and serves the service on this machine.

--port is the port; the default is 8787.
--persist-to is the folder of the local data; the default is .wrangler/state.
OPTIONS are those of \`npx wrangler dev --help\`.`;

const { values } = parseArgs({
	options: {
		port: { type: 'string' },
		'persist-to': { type: 'string' },
		help: { type: 'boolean', short: 'h' },
	},
	strict: false,
});
const persistTo = typeof values['persist-to'] === 'string' ? values['persist-to'] : undefined;
/** Where the key and the URL of the local service are, for programs. */
const folder = persistTo === undefined ? join(ROOT, '.wrangler') : resolve(persistTo);

/** Prepares and serves. Returns once the service answers; the process then lives as long as wrangler. */
async function dev(): Promise<void> {
	if (values.help) {
		console.log(HELP);
		process.exit(0);
	}
	const chosenPort = readPort();
	if (await isPortUsed(chosenPort)) {
		throw new Failure(
			`Port ${chosenPort} is in use. Stop the program that listens on it, or choose another port with \`npm run dev -- --port NUMBER\`.`,
		);
	}
	keepForOwner(join(ROOT, '.dev.vars'));
	for (const { binding } of await configuredDatabases()) applyLocalMigrations(persistTo, binding);
	const key = await localKey();
	const keyForCode = await serveKeyForCode(key);
	const portArguments = values.port === undefined ? ['--port', String(chosenPort)] : [];
	const { child, ready } = startWranglerDev(
		[
			join(import.meta.dirname, 'dev-worker.ts'),
			`--var=KEY_FOR_CODE_PORT:${keyForCode.port}`,
			'--var=WEBHOOKS_ALLOW_LOOPBACK:true',
			...portArguments,
			...process.argv.slice(2),
		],
		isOwnRequest,
	);
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
	// wrangler says itself what goes wrong.
	child.on('exit', (code) => process.exit(code ?? 0));
	const origin = `http://localhost:${await ready}`;
	await untilHealthy(origin);
	await writeFile(join(folder, 'local-url'), `${origin}\n`);
	printCalls(origin, key, keyForCode.newCode());
	runScheduled(origin);
	setInterval(() => runScheduled(origin), RUN_EVERY_MS);
}

/** Runs what the cron trigger of wrangler.toml runs: nothing else does so on this machine. */
function runScheduled(origin: string): void {
	// It fails when the service is being stopped, and otherwise writes a line of its own.
	fetch(origin + SCHEDULED).catch(() => undefined);
}

/** Returns the port of --port, or wrangler's default. */
function readPort(): number {
	const text = values.port === undefined ? '8787' : String(values.port);
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port < 1 || port > 65_535) throw new Failure('--port takes a number from 1 to 65535.', 2);
	return port;
}

function printCalls(origin: string, key: string, code: string): void {
	const sessions = `${origin}/v1/products/generation/sessions`;
	const authorization = `-H 'Authorization: Bearer ${key}'`;
	const json = "-H 'Content-Type: application/json'";
	const newest = `$(curl -s '${sessions}?limit=1' ${authorization} | grep -o 'sess_[0-9a-z]*' | head -n 1)`;
	console.log(`
The service runs at ${origin}. Stop it with Ctrl+C.

Look at it in a browser. This link signs in once, within ten minutes; later, enter the key of the lines below:

${origin}/inspector#code=${code}

Create a session, then patch it. Paste into another terminal:

curl -X POST ${sessions} ${authorization} ${json} -d '{"catalogVersion":"2026-01","prd":{"title":"Support assistant"}}'

curl -X PATCH ${sessions}/${newest} ${authorization} ${json} -d '{"status":"generating","plan":{"steps":["outline","build","review"]}}'

All calls, with forms to try them: ${origin}/docs

Let an agent work with sessions, by the Model Context Protocol. Each line adds this server to one client:

claude mcp add --transport http sessions ${origin}/mcp --header 'Authorization: Bearer ${key}'

code --add-mcp '${JSON.stringify({ name: 'sessions', type: 'http', url: `${origin}/mcp`, headers: { Authorization: `Bearer ${key}` } })}'

npx @modelcontextprotocol/inspector --cli ${origin}/mcp --transport http --header 'Authorization: Bearer ${key}' --method tools/list

Each request writes a line below.
`);
}

/** Returns the key of an earlier run when this database still has it. Otherwise makes one and stores it beside the database. */
async function localKey(): Promise<string> {
	const file = join(folder, 'local-api-key');
	keepForOwner(file);
	const { d1, close } = await openD1({ remote: false, persistTo });
	try {
		const db = openDatabase(d1);
		const kept = existsSync(file) ? (await readFile(file, 'utf8')).trim() : '';
		const row = await findApiKey(db, await sha256Hex(kept));
		if (row && row.expires_at === null) return kept;
		const made = await issueKey(db, {
			userId: 'user_local',
			organizationId: null,
			name: 'npm run dev',
			permissions: ['*'],
			environment: 'test',
			expiresAt: null,
		});
		await mkdir(folder, { recursive: true });
		await writeFile(file, `${made.key}\n`, { mode: 0o600 });
		return made.key;
	} finally {
		await close();
	}
}

/** Starts the scheduled run of a local Worker. */
const SCHEDULED = '/cdn-cgi/handler/scheduled';
/** The time between two runs of the cron trigger in wrangler.toml. */
const RUN_EVERY_MS = 600_000;

/** How many of its own requests are still to come in the log of the Worker, and in that of wrangler. */
const ownRequests = { worker: 0, wrangler: 0 };

/** Whether a line of output is about a request of untilHealthy, or about a scheduled run that went well. Nobody needs to see it. */
function isOwnRequest(line: string): boolean {
	if (line.includes(SCHEDULED) || line.includes('{"level":"info","message":"cleanup"')) return true;
	const log = line.startsWith('{') ? 'worker' : 'wrangler';
	if (!line.includes('/healthz') || ownRequests[log] === 0) return false;
	ownRequests[log] -= 1;
	return true;
}

/** Waits until the Worker answers: wrangler listens before the Worker runs. */
async function untilHealthy(origin: string): Promise<void> {
	const isHealthy = () => {
		ownRequests.worker += 1;
		ownRequests.wrangler += 1;
		return fetch(`${origin}/healthz`).then(
			({ ok }) => ok,
			() => false,
		);
	};
	while (!(await isHealthy())) await setTimeout(200);
}

const exitCode = await exitCodeOf(dev);
if (exitCode !== 0) process.exit(exitCode);

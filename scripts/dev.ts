/**
 * `npm run dev`: prepares the local database, makes sure there is a local API key, serves, and says how to call the
 * service once it answers. Arguments go to `wrangler dev`; `--port` and `--persist-to` are also understood here.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apiKeyHash } from '../src/auth/api-key-format.ts';
import { issueKey } from '../src/auth/issue-key.ts';
import { findApiKey } from '../src/auth/store.ts';
import { openDatabase } from '../src/database/database.ts';
import { applyLocalMigrations, openD1, quiet } from './open-d1.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
	options: { port: { type: 'string' }, 'persist-to': { type: 'string' } },
	strict: false,
});
const port = String(values.port ?? 8787);
const portArguments = values.port === undefined ? ['--port', port] : [];
const persistTo = typeof values['persist-to'] === 'string' ? values['persist-to'] : undefined;

applyLocalMigrations(persistTo);
const key = await localKey();
serve();
await untilAnswering();
const sessions = `http://localhost:${port}/v1/products/generation/sessions`;
const authorization = `-H 'Authorization: Bearer ${key}'`;
const json = "-H 'Content-Type: application/json'";
const newest = `$(curl -s '${sessions}?limit=1' ${authorization} | grep -o 'sess_[0-9a-z]*' | head -n 1)`;
console.log(`
Create a session, then patch it. Paste into another terminal:

curl -X POST ${sessions} ${authorization} ${json} -d '{"catalogVersion":"2026-01","prd":{"title":"Support assistant"}}'

curl -X PATCH ${sessions}/${newest} ${authorization} ${json} -d '{"status":"generating","plan":{"steps":["outline","build","review"]}}'
`);

/** The key of earlier runs, if this database has it; else a new one, kept beside the database. */
async function localKey(): Promise<string> {
	const folder = persistTo === undefined ? join(root, '.wrangler') : resolve(root, persistTo);
	const file = join(folder, 'local-api-key');
	const { d1, close } = await openD1({ remote: false, persistTo });
	try {
		const db = openDatabase(d1);
		const kept = existsSync(file) ? (await readFile(file, 'utf8')).trim() : '';
		const keptHash = await apiKeyHash(kept);
		const row = keptHash && (await findApiKey(db, keptHash));
		if (row && row.revoked_at === null && row.expires_at === null) return kept;
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

function serve(): void {
	const server = spawn('wrangler', ['dev', ...portArguments, ...process.argv.slice(2)], {
		cwd: root,
		env: { ...quiet, CI: process.env.CI ?? '' },
		stdio: 'inherit',
	});
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal));
	server.on('exit', (code) => process.exit(code ?? 0));
}

/** Waits for wrangler, which says itself what goes wrong, and whose end is ours. */
async function untilAnswering(): Promise<void> {
	const health = `http://localhost:${port}/healthz`;
	const answers = () =>
		fetch(health).then(
			({ ok }) => ok,
			() => false,
		);
	while (!(await answers())) await setTimeout(200);
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTestHarness } from 'wrangler';
import { issueKey, type KeyRequest } from '../../src/auth/issue-key.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { openDatabase } from '../../src/database/database.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** A running Worker as an external client sees it. */
export interface Server {
	url: string;
	env: Bindings;
	newKey(request?: Partial<KeyRequest>): Promise<string>;
	logs(): string[];
	runScheduled(): Promise<void>;
	close(): Promise<void>;
}

/** Starts the built Worker (`npm run build`) on a new database, with wrangler.toml or a variant of it. */
export async function startServer(
	vars: Record<string, string> = {},
	configPath = 'wrangler.toml',
): Promise<Server> {
	const harness = createTestHarness({
		root: ROOT,
		workers: [
			{
				configPath,
				prebuiltWorkerDir: 'dist/worker',
				vars: { KEY_CACHE_SECONDS: '60', ...vars },
			},
		],
	});
	const { url } = await harness.listen();
	const worker = harness.getWorker<Bindings>();
	await worker.applyD1Migrations('DB');
	const env = await worker.getEnv();
	return {
		url: url.href.replace(/\/$/, ''),
		env,
		async newKey(request = {}) {
			const { key } = await issueKey(openDatabase(env.DB), {
				userId: `user_${crypto.randomUUID()}`,
				organizationId: null,
				name: null,
				permissions: ['*'],
				environment: 'test',
				expiresAt: null,
				...request,
			});
			return key;
		},
		logs: () => harness.getLogs().map(({ message }) => message),
		async runScheduled() {
			await worker.scheduled({ cron: '*/10 * * * *' });
		},
		close: () => harness.close(),
	};
}

/** Creates a temporary folder, and deletes it after `use`. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
	const folder = mkdtempSync(join(tmpdir(), 'sessions-'));
	try {
		return await use(folder);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Runs a command of this project, and waits until it exits. */
export function npmRun(
	script: string,
	...args: string[]
): { status: number | null; stdout: string; stderr: string } {
	return spawnSync('npm', ['run', '--silent', script, '--', ...args], { cwd: ROOT, encoding: 'utf8' });
}

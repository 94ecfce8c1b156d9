import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTestHarness } from 'wrangler';
import { withDatabase } from '../../scripts/databases.ts';
import { issueKey, type KeyRequest } from '../../src/auth/issue-key.ts';
import { boundNumbers, databaseName, locationHints } from '../../src/core/placement-setting.ts';
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

/** How many databases a server binds: 1, or what DATABASES says, so that all tests from outside can run on several. */
const DATABASES = Number(process.env.DATABASES ?? 1);

/** A variant of wrangler.toml with so many databases. All of them serve all places, so that the owner decides. */
function configWith(databases: number, folder: string): { path: string; placement: string } {
	const bindings = Array.from({ length: databases }, (_, number) => databaseName(number));
	const config = bindings
		.slice(1)
		.reduce(
			(toml, binding) => withDatabase(toml, binding, binding),
			readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'),
		);
	const path = join(folder, 'wrangler.toml');
	writeFileSync(path, withAbsolutePaths(config));
	const placement = bindings.map((binding) => `${binding}=${locationHints.join(',')}`).join(' ');
	return { path, placement };
}

/** A wrangler.toml that may stand in another folder. */
export const withAbsolutePaths = (toml: string): string =>
	['src/index.ts', 'migrations', 'dist/public'].reduce(
		(text, path) => text.replaceAll(`"${path}"`, JSON.stringify(join(ROOT, path))),
		toml,
	);

/**
 * Starts the built Worker (`npm run build`) on new databases, with wrangler.toml and so many `databases`, or with a variant of
 * it. `built` is the folder of another Worker than the service.
 */
export async function startServer(
	vars: Record<string, string> = {},
	variant?: string,
	databases = DATABASES,
	built = 'dist/worker',
): Promise<Server> {
	const folder = mkdtempSync(join(tmpdir(), 'server-'));
	const several = variant === undefined && databases > 1 ? configWith(databases, folder) : undefined;
	const harness = createTestHarness({
		root: ROOT,
		workers: [
			{
				configPath: variant ?? several?.path ?? 'wrangler.toml',
				prebuiltWorkerDir: built,
				vars: { KEY_CACHE_SECONDS: '60', ...(several ? { PLACEMENT: several.placement } : {}), ...vars },
			},
		],
	});
	const { url } = await harness.listen();
	const worker = harness.getWorker<Bindings>();
	const env = await worker.getEnv();
	for (const number of boundNumbers(env)) await worker.applyD1Migrations(databaseName(number));
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
		async close() {
			await harness.close();
			rmSync(folder, { recursive: true, force: true });
		},
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

import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDatabase } from '../../scripts/databases.ts';
import { ROOT, withFolder } from './server.ts';

/** A copy of the project, whose wrangler.toml may change. */
export async function withProject<T>(use: (project: string, folder: string) => Promise<T>): Promise<T> {
	return withFolder(async (folder) => {
		const project = join(folder, 'project');
		for (const part of ['scripts', 'src', 'migrations', 'wrangler.toml', 'package.json']) {
			cpSync(join(ROOT, part), join(project, part), { recursive: true });
		}
		symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
		return use(project, folder);
	});
}

/** Runs a file of `scripts` as npm does, but without npm's own folders at the start of PATH. */
export const runScript = (project: string, script: string, env: Record<string, string>, ...args: string[]) =>
	new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
		const child = execFile(
			process.execPath,
			[join(project, 'scripts', script), ...args],
			{ env: { ...process.env, ...env } },
			(_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
		);
	});

/** Changes PLACEMENT in a copy of the project. */
export const setPlacement = (project: string, placement: string): void =>
	changeConfig(project, (toml) => toml.replace(/^PLACEMENT = .*$/m, `PLACEMENT = "${placement}"`));

/** Adds to a copy of the project the environment that docs/deploying.md shows. */
export function addEnvironment(project: string): void {
	const page = readFileSync(join(ROOT, 'docs/deploying.md'), 'utf8');
	const [, block = ''] = /```toml\n(\[env\.staging\][\s\S]*?)```/.exec(page) ?? [];
	changeConfig(project, (toml) => `${toml}\n${block}`);
}

/** Binds a further database in a copy of the project. */
export const addDatabase = (project: string, binding: string, name: string): void =>
	changeConfig(project, (toml) => withDatabase(toml, binding, name));

function changeConfig(project: string, change: (toml: string) => string): void {
	const path = join(project, 'wrangler.toml');
	writeFileSync(path, change(readFileSync(path, 'utf8')));
}

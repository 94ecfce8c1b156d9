import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { ROOT, withFolder } from '../support/server.ts';
import { freePort, killGroup } from '../support/wrangler-dev.ts';

/** Runs `npm run dev` until it has printed its two lines, and uses them while it serves. */
async function withDev<T>(folder: string, use: (curls: string[]) => T): Promise<T> {
	const port = String(await freePort());
	const child = spawn('npm', ['run', 'dev', '--', '--port', port, '--persist-to', folder], {
		cwd: ROOT,
		detached: true,
		stdio: ['ignore', 'pipe', 'ignore'],
		env: { ...process.env, CI: 'true' },
	});
	try {
		const curls: string[] = [];
		for await (const line of createInterface({ input: child.stdout })) {
			if (line.startsWith('curl ')) curls.push(line);
			if (curls.length === 2) break;
		}
		return use(curls);
	} finally {
		await killGroup(child);
	}
}

const paste = (line: string) =>
	JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

describe('npm run dev', () => {
	it('prints two lines that can be pasted: create a session, then patch it', { timeout: 120_000 }, () =>
		withFolder(async (folder) => {
			const key = await withDev(folder, ([create = '', patch = '']) => {
				const created = paste(create);
				const patched = paste(patch);
				expect(Object.keys(patched)).toHaveLength(14);
				expect(patched).toMatchObject({ id: created.id, prd: created.prd, status: 'generating' });
				expect(patched.plan).not.toBeNull();
				return /rt_test_\w+/.exec(create)?.[0];
			});
			// A later run keeps the key and the sessions.
			await withDev(folder, ([create = '', patch = '']) => {
				expect(create).toContain(key);
				expect(paste(patch).status).toBe('generating');
			});
		}),
	);
});

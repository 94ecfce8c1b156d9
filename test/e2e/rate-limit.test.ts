import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, startServer, withFolder } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';
const LIMIT = 20;

const wranglerToml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');

/** wrangler.toml with another limit, so that it is reached within one period by any machine. */
function configWithLimit(folder: string): string {
	const config = wranglerToml
		.replace(/limit = \d+/, `limit = ${LIMIT}`)
		.replace('"src/index.ts"', JSON.stringify(join(ROOT, 'src/index.ts')))
		.replace('"migrations"', JSON.stringify(join(ROOT, 'migrations')))
		.replace('"dist/public"', JSON.stringify(join(ROOT, 'dist/public')));
	const path = join(folder, 'wrangler.toml');
	writeFileSync(path, config);
	return path;
}

it('the real binding stops a caller at the limit of wrangler.toml, and nobody else', () =>
	withFolder(async (folder) => {
		const server = await startServer({}, configWithLimit(folder));
		try {
			const [key, other] = [await server.newKey(), await server.newKey()];
			// An id that cannot exist: a call that costs the database nothing.
			const call = (authorization: string) =>
				fetch(`${server.url}${SESSIONS}/none`, { headers: { Authorization: authorization } });
			let allowed = 0;
			let answer = await call(key);
			// A new period can begin in between; a caller then has its limit once more.
			for (; answer.status === 404 && allowed < 3 * LIMIT; answer = await call(key)) allowed += 1;
			const period = /name = "RATE_LIMITER"[^[]*period = (\d+)/.exec(wranglerToml)?.[1];
			expect([answer.status, answer.headers.get('Retry-After')]).toEqual([429, period]);
			expect(await answer.json()).toMatchObject({ code: 'RATE_LIMITED' });
			expect(allowed).toBeGreaterThanOrEqual(LIMIT);
			expect((await call(other)).status).toBe(404);
		} finally {
			await server.close();
		}
	}));

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newApiKey } from '../../src/auth/api-key-format.ts';
import { ROOT, startServer, withAbsolutePaths, withFolder } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';
const LIMIT = 20;

const wranglerToml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');

/** Reads a setting of a rate limit in wrangler.toml. */
const rateLimitSetting = (binding: string, setting: RegExp): string =>
	new RegExp(`name = "${binding}"[^[]*?${setting.source}`).exec(wranglerToml)?.[1] ?? '';

/** wrangler.toml with a lower limit for callers, which even a slow machine reaches within one period. */
function configWithLimit(folder: string): string {
	const config = withAbsolutePaths(wranglerToml.replace(/limit = \d+/, `limit = ${LIMIT}`));
	const path = join(folder, 'wrangler.toml');
	writeFileSync(path, config);
	return path;
}

/** An invalid id: the request costs no round trip to D1 once the key is cached. */
const call = (url: string, authorization: string) =>
	fetch(`${url}${SESSIONS}/none`, { headers: { Authorization: authorization } });

describe('the rate limits of wrangler.toml', () => {
	it('have unique namespace ids, because all Workers of an account share them', () => {
		const ids = ['RATE_LIMITER', 'SESSION_KEY_LIMITER', 'GUESS_LIMITER'].map((name) =>
			rateLimitSetting(name, /namespace_id = "(\d+)"/),
		);
		expect(new Set(ids).size).toBe(3);
		// Cloudflare's documentation uses 1001 and 1002 as examples, so other Workers may use them too.
		for (const id of ids) expect(Number(id)).toBeGreaterThan(10_000);
	});

	it('stop a caller at its limit, and no other caller', () =>
		withFolder(async (folder) => {
			const server = await startServer({}, configWithLimit(folder));
			try {
				const [key, other] = [await server.newKey(), await server.newKey()];
				let allowed = 0;
				let response = await call(server.url, key);
				// A new period can begin meanwhile, which gives the caller its whole limit again.
				for (; response.status === 404 && allowed < 3 * LIMIT; response = await call(server.url, key)) {
					allowed += 1;
				}
				const period = rateLimitSetting('RATE_LIMITER', /period = (\d+)/);
				expect([response.status, response.headers.get('Retry-After')]).toEqual([429, period]);
				expect(await response.json()).toMatchObject({ code: 'RATE_LIMITED' });
				expect(allowed).toBeGreaterThanOrEqual(LIMIT);
				expect((await call(server.url, other)).status).toBe(404);
			} finally {
				await server.close();
			}
		}));

	it('stop an address that guesses keys, and neither its valid keys, known or new, nor its health checks', async () => {
		const limit = Number(rateLimitSetting('GUESS_LIMITER', /limit = (\d+)/));
		const server = await startServer({ KEY_CACHE_SECONDS: '0' });
		try {
			const key = await server.newKey();
			expect((await call(server.url, key)).status).toBe(404);
			let allowed = 0;
			let status = 401;
			// A new period can begin meanwhile, so the address may have its limit twice.
			for (let guesses = 0; status === 401 && guesses < 3 * limit; guesses += 1) {
				({ status } = await call(server.url, (await newApiKey('live')).key));
				if (status === 401) allowed += 1;
			}
			expect(status).toBe(429);
			expect(allowed).toBeGreaterThanOrEqual(limit);
			expect((await call(server.url, key)).status).toBe(404);
			expect((await call(server.url, await server.newKey())).status).toBe(404);
			expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
		} finally {
			await server.close();
		}
	});
});

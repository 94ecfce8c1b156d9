import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** What only tests change: no rate limit that a loaded test could meet. */
const forTests = async () => ({
	wrangler: { configPath: './wrangler.toml' },
	miniflare: {
		bindings: { MIGRATIONS: await readD1Migrations('./migrations') },
		ratelimits: { RATE_LIMITER: { namespace_id: '1', simple: { limit: 1_000_000, period: 60 as const } } },
	},
});

export default defineConfig({
	test: {
		// The request log is part of the service, and noise here.
		onConsoleLog: () => false,
		// From scripts/fuzz.ts: how long to look, and from where.
		...(process.env.FUZZ ? { provide: { fuzz: JSON.parse(process.env.FUZZ) } } : {}),
		projects: [
			{
				extends: true,
				plugins: [cloudflareTest(forTests)],
				test: {
					name: 'inside',
					include: ['test/**/*.test.ts'],
					exclude: ['test/e2e/**', 'test/browser/**'],
					setupFiles: ['./test/support/migrate.ts'],
					// A loaded machine is no failure of the service.
					testTimeout: 60_000,
					hookTimeout: 60_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'browser',
					include: ['test/browser/**/*.test.ts'],
					testTimeout: 60_000,
					hookTimeout: 60_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'outside',
					include: ['test/e2e/**/*.test.ts'],
					testTimeout: 60_000,
					hookTimeout: 60_000,
				},
			},
		],
	},
});

import * as z from 'zod';

/** The Worker's environment: from wrangler.toml, `.dev.vars` and secrets. */
export interface Bindings {
	DB: D1Database;
	RATE_LIMITER: RateLimit;
	/** The documentation. */
	ASSETS: Fetcher;
	SESSION_TTL_SECONDS: string;
	KEY_CACHE_SECONDS: string;
	CLEANUP_MAX_STATEMENTS: string;
	CLEANUP_MAX_SECONDS: string;
	CORS_ORIGINS: string;
	CLERK_JWT_KEY: string;
	CLERK_ISSUER: string;
	CLERK_AUTHORIZED_PARTIES: string;
}

const wholeNumber = (fallback: number, least: number, most = Number.MAX_SAFE_INTEGER) =>
	z.coerce.number().int().min(least).max(most).default(fallback);
const commaSeparated = z
	.string()
	.default('')
	.transform((text) =>
		text
			.split(',')
			.map((part) => part.trim())
			.filter((part) => part !== ''),
	);

const settingsSchema = z.object({
	/** A session's life. */
	SESSION_TTL_SECONDS: wholeNumber(604_800, 1),
	/** How long an isolate may remember an API key. 0: it asks D1 each time. */
	KEY_CACHE_SECONDS: wholeNumber(60, 0),
	/**
	 * D1 allows 1,000 queries in one invocation, 50 on the free plan. With fewer than 11, a run could not send one chunk
	 * of deletions and its closing statements as often as transient faults can ask for.
	 */
	CLEANUP_MAX_STATEMENTS: wholeNumber(1000, 11, 1000),
	/** A scheduled invocation may take 15 minutes; waiting for D1 is not CPU time. */
	CLEANUP_MAX_SECONDS: wholeNumber(120, 1, 840),
	/** As browsers send them: without a slash at the end. */
	CORS_ORIGINS: commaSeparated.transform((origins) => origins.map((origin) => origin.replace(/\/$/, ''))),
	/** PEM of the Clerk instance's public key; line breaks may be written as `\n`. */
	CLERK_JWT_KEY: z
		.string()
		.default('')
		.transform((pem) => pem.replaceAll('\\n', '\n').trim()),
	CLERK_ISSUER: z.string().default(''),
	CLERK_AUTHORIZED_PARTIES: commaSeparated,
});

export type Settings = z.output<typeof settingsSchema>;

const parsed = new WeakMap<object, Settings>();

/** The settings, parsed once for each isolate. Throws when a setting does not fit. */
export function settingsOf(env: Bindings): Settings {
	const known = parsed.get(env);
	if (known) return known;
	const settings = settingsSchema.parse(env);
	parsed.set(env, settings);
	return settings;
}

import * as z from 'zod';
import { boundNumbers, databaseName, placementSchema } from './placement-setting.ts';
import { issuer, origins, publicKey, wholeNumber, yesOrNo } from './setting-values.ts';

/** 100 years of 365.25 days. Longer lives could give a session an expiry whose year has more than four digits. */
const MAX_SESSION_TTL_SECONDS = 3_155_760_000;

const settingsSchema = z.object({
	/** Which databases take new sessions, and from where. */
	PLACEMENT: placementSchema,
	/** The lifetime of a session. */
	SESSION_TTL_SECONDS: wholeNumber(604_800, 1, MAX_SESSION_TTL_SECONDS),
	/** The longest lifetime that `ttlSeconds` may ask for. */
	SESSION_TTL_MAX_SECONDS: wholeNumber(2_592_000, 60, MAX_SESSION_TTL_SECONDS),
	/** Live sessions of one caller in one database. */
	MAX_SESSIONS_PER_CALLER: wholeNumber(Number.POSITIVE_INFINITY, 1),
	/** The id of an event has ten digits for its position. */
	MAX_EVENTS_PER_SESSION: wholeNumber(100_000, 1, 9_999_999_999),
	/** Bytes of the types, stages, messages and payloads of all events of a session in UTF-8. */
	MAX_EVENT_BYTES_PER_SESSION: wholeNumber(67_108_864, 1),
	/** Open streams of one caller in one isolate. Each has a connection to a hub, and up to 512 KB of frames. */
	MAX_STREAMS_PER_CALLER: wholeNumber(100, 1, 10_000),
	/** Bytes of the earlier versions of one session. At 0 none are kept. A read of one version may read all of them. */
	HISTORY_BYTES: wholeNumber(4_194_304, 0, 67_108_864),
	/** How long one stream stays open. Its client resumes. */
	FOLLOW_MAX_SECONDS: wholeNumber(3600, 1, 86_400),
	/** How long a stream may be silent before it gets a comment. Proxies cut streams that are silent for long. */
	FOLLOW_HEARTBEAT_SECONDS: wholeNumber(15, 1, 15),
	/** Statements of one stream to D1, which allows 1,000 in one invocation, 50 on the free plan. Its client resumes. */
	FOLLOW_MAX_STATEMENTS: wholeNumber(1000, 40, 1000),
	/** How long an isolate may cache an API key. At 0 it looks each key up in D1 on each request. */
	KEY_CACHE_SECONDS: wholeNumber(60, 0),
	/**
	 * D1 allows 1,000 queries in one invocation, 50 on the free plan. A run needs up to 19 for one chunk of deletions and its
	 * closing statement, each sent as often as transient faults can ask for.
	 */
	CLEANUP_MAX_STATEMENTS: wholeNumber(1000, 20, 1000),
	/** A scheduled invocation may take 15 minutes; waiting for D1 is not CPU time. */
	CLEANUP_MAX_SECONDS: wholeNumber(120, 1, 840),
	/** Whether webhooks may go to this machine, also by plain http. For local use. */
	WEBHOOKS_ALLOW_LOOPBACK: yesOrNo,
	/** Requests to webhooks in one invocation. The free plan allows 50 requests to other services. */
	WEBHOOK_MAX_TRIES: wholeNumber(1000, 1, 5000),
	CORS_ORIGINS: origins({ wildcard: '*' }),
	/** PEM of the Clerk instance's public key. */
	CLERK_JWT_KEY: publicKey,
	/** The `iss` of Clerk's tokens, which has no slash at the end. */
	CLERK_ISSUER: issuer,
	/** The `azp` of Clerk's tokens, which is the origin of a page. */
	CLERK_AUTHORIZED_PARTIES: origins(),
});

/**
 * The Worker's environment: from wrangler.toml, `.dev.vars` and secrets. A setting is undefined where none of them has it, as in a
 * wrangler.toml of an earlier version.
 */
export interface Bindings extends Partial<Record<keyof typeof settingsSchema.shape, string>> {
	/** API keys, and sessions: all of them unless there are further databases. */
	DB: D1Database;
	/** Further databases for sessions: DB_1 to DB_99. */
	[further: `DB_${number}`]: D1Database | undefined;
	/** Counts the requests of callers, and failed attempts without a look-up in D1. */
	RATE_LIMITER: RateLimit;
	/** Counts the requests of each key for one session. */
	SESSION_KEY_LIMITER: RateLimit;
	/** Counts round trips to D1 without valid credentials: rejected API keys, and health checks. */
	GUESS_LIMITER: RateLimit;
	/** The hubs, one for each followed session. Untyped, because core must not import following/. */
	HUB: DurableObjectNamespace;
	/** The dataset of Workers Analytics Engine for the usage of the service. Optional. */
	USAGE?: AnalyticsEngineDataset;
	/** Wakes the delivery of webhooks. Without it, the scheduled run delivers. */
	WEBHOOK_QUEUE?: Queue<unknown>;
	/** The files of the documentation and of the inspector. */
	ASSETS: Fetcher;
	/** The deployed version. Undefined in a wrangler.toml of an earlier version. */
	VERSION?: WorkerVersionMetadata | undefined;
}

export interface Settings extends z.output<typeof settingsSchema> {
	/** The numbers of the databases that are bound, DB first. */
	DATABASES: readonly number[];
}

const parsed = new WeakMap<object, Settings>();

/**
 * Returns the settings, parsed once for each isolate. Throws an error that names each invalid setting. Every request
 * reads the settings, so an invalid one makes each response INTERNAL_ERROR.
 */
export function settingsOf(env: Bindings): Settings {
	const known = parsed.get(env);
	if (known) return known;
	const settings = parseSettings(env);
	parsed.set(env, settings);
	return settings;
}

/** The same for settings that are not yet those of a Worker. A database counts as bound when its name has a value. */
export function parseSettings(env: Readonly<Record<`DB_${number}`, unknown>>): Settings {
	const result = settingsSchema.safeParse(env);
	if (!result.success) throw invalidSettings(result.error.issues);
	const bound = boundNumbers(env);
	const missing = result.data.PLACEMENT.find(({ number }) => !bound.includes(number));
	if (missing) {
		const message = `${databaseName(missing.number)} is not bound; bind it under [[d1_databases]], or remove it here`;
		throw invalidSettings([{ path: ['PLACEMENT'], message }]);
	}
	return { ...result.data, DATABASES: bound };
}

const invalidSettings = (issues: readonly Pick<z.core.$ZodIssue, 'path' | 'message'>[]): Error =>
	new Error(
		`Invalid settings in wrangler.toml, .dev.vars or secrets. ${issues
			.map(({ path, message }) => `${path.join('.')}: ${message}.`)
			.join(' ')}`,
	);

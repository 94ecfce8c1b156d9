/** The limits of requests, each with its reason. */
export const limits = {
	/** Bytes. Enough for one full session with escapes. */
	requestBody: 2 * 1024 * 1024,
	/** Bytes of one stored object in UTF-8. A row holds four of them, and D1 takes rows of 2,000,000 bytes. */
	storedObject: 400_000,
	/** Bytes of one bound parameter in UTF-8, by D1's limit. */
	boundText: 2_000_000,
	/** Events of one step. No request schema allows a longer array. */
	eventsOfStep: 100,
	/** Bytes of an event's payload in UTF-8. */
	eventPayload: 64 * 1024,
	/** Levels of objects and arrays within one another, including the outermost. SQLite's limit is 1,000. */
	nesting: 100,
	/** Characters (Unicode code points, as in JSON Schema and in SQLite's length()). */
	name: 255,
	message: 10_000,
	idempotencyKey: 255,
	/** Seconds. The minimum lifetime of a session; the maximum is a setting. */
	minTtlSeconds: 60,
} as const;

/** The limits of what may be sent, each with its origin. */
export const limits = {
	/** Bytes. Room for one full session with escapes. */
	requestBody: 2 * 1024 * 1024,
	/** UTF-8 bytes of one stored object. Four of them keep a row under D1's 2,000,000. */
	storedObject: 400_000,
	/** UTF-8 bytes of a merge patch for one object: what D1 takes as one parameter. */
	boundText: 2_000_000,
	/** UTF-8 bytes of an event's payload. */
	eventPayload: 64 * 1024,
	/** Levels of objects and arrays within one another, the outermost counted. SQLite's own limit is 1,000. */
	nesting: 100,
	/** Characters (Unicode code points, as in JSON Schema and in SQLite's length()). */
	name: 255,
	message: 10_000,
	idempotencyKey: 255,
} as const;

const tags = /* @__PURE__ */ new WeakMap<object, string>();

/** Remembers the ETag of a session from its response. Returns the session. */
export function withEtag<T>(session: T, etag: string | null | undefined): T {
	if (etag && typeof session === 'object' && session !== null) tags.set(session, etag);
	return session;
}

/**
 * Returns the ETag of a session that `create`, `get`, `update`, `merge`, `step`, `editWhile`, `follow`, `watch` or `waitFor`
 * returned. Throws a TypeError for any other object, such as a copy or an item of a list.
 *
 * @example
 * const etag = etagOf(await client.get(session.id));
 */
export function etagOf(session: object): string {
	const etag = tags.get(session);
	if (etag === undefined) {
		throw new TypeError(
			'Pass a session as a call returned it. The ETag of a copy or an item of a list is unknown.',
		);
	}
	return etag;
}

/** `*`, or a list of tags (RFC 9110, 13.1.1). */
const CONDITION = /^(\*|(W\/)?"[!#-~]*"(\s*,\s*(W\/)?"[!#-~]*")*)$/;

/**
 * The If-Match header for an option: an ETag or a session. Only undefined means no condition. Throws a TypeError for
 * anything else, because the write must not take effect without the condition that was meant.
 */
export function ifMatchHeader(ifMatch: string | object | undefined): Record<string, string> {
	if (ifMatch === undefined) return {};
	const etag = typeof ifMatch === 'object' && ifMatch !== null ? etagOf(ifMatch) : ifMatch;
	if (typeof etag !== 'string' || !CONDITION.test(etag)) {
		throw new TypeError(
			`ifMatch must be a session that a call returned, or an ETag with its quotation marks, such as '"7"'.`,
		);
	}
	return { 'If-Match': etag };
}

/** Whether a repeated write cannot undo what somebody else wrote in between. `*` allows every version. */
export const isConditional = (ifMatch: string | object | undefined): boolean =>
	ifMatch !== undefined && ifMatch !== '*';

const tags = new WeakMap<object, string>();

/** Remembers the ETag of a session from its response. Returns the session. */
export function withEtag<T>(session: T, etag: string | null): T {
	if (etag !== null && typeof session === 'object' && session !== null) tags.set(session, etag);
	return session;
}

/**
 * Returns the ETag of a session that the client returned. Returns undefined for any other object, such as a copy or an
 * item of a list.
 */
export const etagOf = (session: object): string | undefined => tags.get(session);

/** The If-Match header for an option. Throws a TypeError for an object without a known ETag. */
export function ifMatchHeader(ifMatch: string | object | undefined): Record<string, string> {
	if (ifMatch === undefined) return {};
	const etag = typeof ifMatch === 'string' ? ifMatch : etagOf(ifMatch);
	if (etag === undefined) {
		throw new TypeError(
			'ifMatch must be an ETag, or a session that get, create, update, merge or step returned.',
		);
	}
	return { 'If-Match': etag };
}

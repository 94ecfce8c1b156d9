/**
 * Conditional requests, RFC 9110 section 13. A tag is `"<version>"`, or `"<version>.<position>"` in a response with
 * events, where the position is that of the latest event. The database counts both, because a clock can stand still.
 */

/** The strong ETag (RFC 9110, 8.8.3) of a session at a version, with the position of its latest event in the response. */
export const entityTag = (version: number, latestEvent = 0): string =>
	latestEvent === 0 ? `"${version}"` : `"${version}.${latestEvent}"`;

/** Captures the opaque tag, the part between the quotation marks. */
const TAG = /(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;
const VERSION = /^([1-9]\d{0,14})(?:\.[1-9]\d{0,14})?$/;

const opaqueTags = (header: string): string[] => Array.from(header.matchAll(TAG), ([, tag = '']) => tag);

const versionsOf = (header: string): number[] =>
	opaqueTags(header).flatMap((tag) => {
		const version = VERSION.exec(tag)?.[1];
		return version === undefined ? [] : [Number(version)];
	});

/**
 * The versions that an If-Match allows; undefined without a condition on the version (no header, or `*`). Only the
 * version of a tag counts, so appending an event does not make a tag stale.
 *
 * A weak tag counts as its strong form, although RFC 9110, 13.1.1, requires a strong comparison. Cloudflare's edge
 * weakens the ETag of each response that it compresses, so the client has no strong tag to send. This is safe: the tag
 * counts versions, and each version has one content.
 */
export const ifMatchVersions = (ifMatch: string | undefined): number[] | undefined =>
	ifMatch === undefined || ifMatch.trim() === '*' ? undefined : versionsOf(ifMatch);

/**
 * The versions that an If-None-Match of a write rejects (RFC 9110, 13.1.2): all of them for `*`; undefined without the
 * header.
 */
export const ifNoneMatchVersions = (ifNoneMatch: string | undefined): number[] | 'all' | undefined => {
	if (ifNoneMatch === undefined) return undefined;
	return ifNoneMatch.trim() === '*' ? 'all' : versionsOf(ifNoneMatch);
};

/**
 * The opaque tags in an If-None-Match of a read, limited to those that the service can issue; undefined without the
 * header. They are compared weakly (RFC 9110, 13.1.2): a weak tag counts as its strong form.
 */
export const knownTags = (ifNoneMatch: string | undefined): string[] | 'any' | undefined => {
	if (ifNoneMatch === undefined) return undefined;
	return ifNoneMatch.trim() === '*' ? 'any' : opaqueTags(ifNoneMatch).filter((tag) => VERSION.test(tag));
};

/**
 * Conditional requests, RFC 9110 section 13. A tag is `"<version>"`, or `"<version>.<position>"` in a response that holds
 * events, the latest of which has that position. The database counts both: a clock can stand still.
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
 * The versions that an If-Match lets through; undefined without a condition on the version (no header, or `*`).
 * Only the version of a tag counts, so that appending an event makes no tag stale.
 *
 * A weak tag counts as its strong form, where RFC 9110, 13.1.1, asks for a strong comparison. Cloudflare's edge weakens the
 * ETag of each response that it compresses, so that such a client has no other tag to send. It is safe: the tag counts
 * versions, and each version has one content.
 */
export const ifMatchVersions = (ifMatch: string | undefined): number[] | undefined =>
	ifMatch === undefined || ifMatch.trim() === '*' ? undefined : versionsOf(ifMatch);

/**
 * The versions that an If-None-Match of a write refuses (RFC 9110, 13.1.2): all of them for `*`; undefined without the
 * header.
 */
export const ifNoneMatchVersions = (ifNoneMatch: string | undefined): number[] | 'all' | undefined => {
	if (ifNoneMatch === undefined) return undefined;
	return ifNoneMatch.trim() === '*' ? 'all' : versionsOf(ifNoneMatch);
};

/**
 * The opaque tags that an If-None-Match of a read names, of those that the service gives out; undefined without the header.
 * They are compared weakly (RFC 9110, 13.1.2): a weak tag counts as its strong form.
 */
export const knownTags = (ifNoneMatch: string | undefined): string[] | 'any' | undefined => {
	if (ifNoneMatch === undefined) return undefined;
	return ifNoneMatch.trim() === '*' ? 'any' : opaqueTags(ifNoneMatch).filter((tag) => VERSION.test(tag));
};

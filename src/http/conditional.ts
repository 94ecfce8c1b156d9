/**
 * Conditional requests, RFC 9110 section 13. A tag is `"<version>"`, or `"<version>.<number>"` where the answer
 * holds events, the latest of which has that number. Both are counted by the database: a clock can stand still.
 */

/** The strong ETag (RFC 9110, 8.8.3) of a session at a version, with the number of its latest event in the answer. */
export const entityTag = (version: number, latestEvent = 0): string =>
	latestEvent === 0 ? `"${version}"` : `"${version}.${latestEvent}"`;

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;
const VERSION = /^([1-9]\d{0,14})(?:\.[1-9]\d{0,14})?$/;

/**
 * The versions that an If-Match admits; undefined when there is no condition on the version (no header, or `*`).
 * Events do not count, so that appending one makes no tag stale. Weak tags never match (13.1.1).
 */
export function ifMatchVersions(ifMatch: string | undefined): number[] | undefined {
	if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
	const versions: number[] = [];
	for (const [, weak, tag = ''] of ifMatch.matchAll(TAG)) {
		const version = VERSION.exec(tag)?.[1];
		if (!weak && version) versions.push(Number(version));
	}
	return versions;
}

/** Whether an If-None-Match names the tag, compared weakly (RFC 9110, 13.1.2). */
export function matchesIfNoneMatch(ifNoneMatch: string | undefined, tag: string): boolean {
	if (ifNoneMatch === undefined) return false;
	if (ifNoneMatch.trim() === '*') return true;
	for (const [, , opaque = ''] of ifNoneMatch.matchAll(TAG)) if (`"${opaque}"` === tag) return true;
	return false;
}

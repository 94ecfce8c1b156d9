/**
 * Makes new JSON values out of old ones, which stay as they are. What is equal in both keeps its identity, so that a page may
 * compare by `===` what it has to draw again. A name of a member is data, `__proto__` as well.
 */
import { isObject } from './response.ts';

/**
 * Applies a patch by RFC 7396: members of objects merge, null removes a member, and anything else replaces. `patch` must
 * belong to nobody else. It takes time for the patch and for the members of each object that it names, not for what is below the
 * others.
 */
export function merged(old: unknown, patch: unknown): unknown {
	if (!isObject(patch)) return kept(old, patch);
	const members = new Map(isObject(old) ? Object.entries(old) : []);
	let isSame = isObject(old);
	for (const [name, change] of Object.entries(patch)) {
		const before = members.get(name);
		if (change === null) {
			if (members.delete(name)) isSame = false;
			continue;
		}
		const after = merged(before, change);
		if (!Object.is(before, after)) isSame = false;
		members.set(name, after);
	}
	return isSame ? old : Object.fromEntries(members);
}

/** The old value if both are equal, the order of members included. Otherwise the new one, with the equal parts of the old one. */
export const kept = (old: unknown, fresh: unknown): unknown =>
	(areAlike(old, fresh) ? keepParts(old as object, fresh as object) : Object.is(old, fresh)) ? old : fresh;

/**
 * Puts the parts of `old` into `fresh` that are equal to its own, and returns whether all are. `fresh` must belong to
 * nobody else.
 */
export function keepParts(old: object, fresh: object): boolean {
	const before = old as Record<string, unknown>;
	const after = fresh as Record<string, unknown>;
	const names = Object.keys(after);
	const namesBefore = Object.keys(before);
	let isSame = names.length === namesBefore.length;
	for (const [at, name] of names.entries()) {
		if (name !== namesBefore[at]) isSame = false;
		if (!Object.hasOwn(before, name)) continue;
		// An own member of this name is set as any other.
		after[name] = kept(before[name], after[name]);
		if (!Object.is(before[name], after[name])) isSame = false;
	}
	return isSame;
}

/** Whether both values are objects, or both arrays. */
const areAlike = (a: unknown, b: unknown): boolean =>
	Array.isArray(a) ? Array.isArray(b) : isObject(a) && isObject(b);

/** What somebody changed in a JSON object, member by member, on exact texts. */
import { compact, membersOf } from './text.ts';

/** A member that has another value, is new, or is gone. Its texts are without white space. */
export interface Change {
	/** The names on the way to the member. */
	path: readonly string[];
	before: string | undefined;
	after: string | undefined;
}

const isObject = (json: string | undefined): json is string => json?.startsWith('{') === true;

/** The members that differ between two objects. Members of objects in objects count by themselves, and arrays as a whole. */
export function changesBetween(before: string, after: string): Change[] {
	const changes: Change[] = [];
	const compare = (path: readonly string[], was: string, is: string) => {
		const [old, now] = [membersOf(was), membersOf(is)];
		for (const name of new Set([...old.keys(), ...now.keys()])) {
			const [a, b] = [old.get(name), now.get(name)];
			if (a === b) continue;
			if (isObject(a) && isObject(b)) compare([...path, name], a, b);
			else changes.push({ path: [...path, name], before: a, after: b });
		}
	};
	compare([], compact(before), compact(after));
	return changes;
}

/**
 * The merge patch (RFC 7396) that makes these changes. Undefined when no patch can: null removes a member there, so no member
 * can become null.
 */
export function patchOf(changes: readonly Change[]): string | undefined {
	if (changes.some(({ after }) => after !== undefined && hasNull(after))) return undefined;
	return nested(changes.map(({ path, after }) => ({ path, json: after ?? 'null' })));
}

/** Whether a value is null, or has a member that is. Arrays are replaced as a whole, with what is in them. */
function hasNull(json: string): boolean {
	if (json === 'null') return true;
	return isObject(json) && [...membersOf(json).values()].some(hasNull);
}

function nested(entries: readonly { path: readonly string[]; json: string }[]): string {
	const groups = new Map<string, { path: readonly string[]; json: string }[]>();
	for (const { path, json } of entries) {
		const [name = '', ...rest] = path;
		groups.set(name, [...(groups.get(name) ?? []), { path: rest, json }]);
	}
	const members = Array.from(groups, ([name, group]) => {
		const [only] = group;
		const value = only?.path.length === 0 ? only.json : nested(group);
		return `${JSON.stringify(name)}:${value}`;
	});
	return `{${members.join()}}`;
}

/** The value at a path; undefined when there is none. */
export function valueAt(json: string, path: readonly string[]): string | undefined {
	let value: string | undefined = json;
	for (const name of path) {
		if (!isObject(value)) return undefined;
		value = membersOf(value).get(name);
	}
	return value;
}

/** The changes that meet another change of the same member in `theirs`. */
export const conflictsIn = (changes: readonly Change[], theirs: string): Change[] =>
	changes.filter(({ path, before }) => {
		const isReachable = path
			.slice(0, -1)
			.every((_, index) => isObject(valueAt(theirs, path.slice(0, index + 1))));
		// What is gone above a member is gone for the member, too.
		return valueAt(theirs, path) !== before || (!isReachable && path.length > 1);
	});

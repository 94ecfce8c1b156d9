import { isObject } from '../json/schema.ts';

/** The most characters of JSON in an answer. A context of a language model is small, and clients cut long answers. */
export const MAX_ANSWER = 50_000;
/** The most parts that an answer lists of a value that it leaves out. */
const MAX_PARTS = 200;

/** A value that an answer leaves out, because it is too large. */
interface Omitted {
	/** RFC 6901, from the session: `/plan/steps/3`. */
	pointer: string;
	/** As in JSON Schema. */
	type: string;
	/** The size as JSON. */
	characters: number;
}

const typeOf = (value: unknown): string =>
	Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;

const sizeOf = (value: unknown): number => JSON.stringify(value).length;

/** Says of a member of the value at a pointer what it is, for an answer without it. */
const memberOf = (pointer: string, name: string, value: unknown): Omitted => ({
	pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
	type: typeOf(value),
	characters: sizeOf(value),
});

/**
 * Returns the members of a session that fit the size of an answer, in their order, and the others as omitted. A member that
 * does not fit does not keep back a later one that does.
 */
export function fittingMembers(session: object): { fitting: Record<string, unknown>; omitted: Omitted[] } {
	let left = MAX_ANSWER;
	const fitting: Record<string, unknown> = {};
	const omitted: Omitted[] = [];
	for (const [name, value] of Object.entries(session)) {
		const member = memberOf('', name, value);
		if (member.characters > left) {
			omitted.push(member);
			continue;
		}
		left -= member.characters;
		fitting[name] = value;
	}
	return { fitting, omitted };
}

/** Returns the items from the first on that fit the size of an answer, and at least one. */
export function fittingItems<T>(items: readonly T[]): T[] {
	let left = MAX_ANSWER;
	const end = items.findIndex((item, at) => {
		left -= sizeOf(item);
		return left < 0 && at > 0;
	});
	return items.slice(0, end === -1 ? items.length : end);
}

/** The value at a JSON pointer (RFC 6901) in a value. Undefined when there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
	if (pointer === '') return value;
	if (!pointer.startsWith('/')) return undefined;
	let found: unknown = value;
	for (const escaped of pointer.slice(1).split('/')) {
		const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
		// An array has its length as a member, too.
		const isThere = Array.isArray(found) ? /^\d+$/.test(name) : isObject(found);
		if (!isThere || !Object.hasOwn(found as object, name)) return undefined;
		found = (found as Record<string, unknown>)[name];
	}
	return found;
}

/** A value, or as much of it as fits an answer. */
export interface Part {
	/** Absent when it does not fit. A string is cut. */
	value?: unknown;
	/** Where the next part of a string begins. */
	nextOffset?: number;
	/** The parts of a value that does not fit, up to MAX_PARTS. */
	omitted: Omitted[];
}

/** Returns a value if it fits the size of an answer, a string from `offset` on, and otherwise what it consists of. */
export function partOf(value: unknown, pointer: string, offset: number): Part {
	if (typeof value === 'string') {
		const text = value.slice(offset, offset + MAX_ANSWER);
		const next = offset + text.length;
		return { value: text, omitted: [], ...(next < value.length ? { nextOffset: next } : {}) };
	}
	if (sizeOf(value) <= MAX_ANSWER) return { value, omitted: [] };
	const parts = Object.entries(value as object).slice(0, MAX_PARTS);
	return { omitted: parts.map(([name, part]) => memberOf(pointer, name, part)) };
}

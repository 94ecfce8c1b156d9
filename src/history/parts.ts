import { limits } from '../core/limits.ts';
import { utf8Length } from '../core/text.ts';
import { countMembers, mergePatch, singleChanges } from '../json/merge-patch.ts';

/**
 * How an object was before a change, in proportion to the change. A merge is made one place at a time, and each of these texts
 * differs from the one before it in one part: `[step, head, tail, text]` says that before the step, the object had `text`
 * between its first `head` and its last `tail` bytes, which are the same in both. Offsets count bytes of UTF-8, and a part
 * begins and ends between characters.
 */
export type Part = [step: number, head: number, tail: number, text: string];

/**
 * The maximum work of finding the parts of one merge that is made one place at a time. The unit is one member of the patches times
 * one byte of the object and the patch. One place in an object of 400 KB takes D1 some 5 ms.
 */
const MAX_PARTS_WORK = 2_000_000;
/** The same when the merge is made at once: one part then reaches from the first place that it changes to the last one. */
const MAX_ONE_PART_WORK = 5_000_000;
/**
 * Characters of a patch whose parts are found, and of the patches that it is split into. A larger one changes much, and D1 would have
 * to be sent it twice.
 */
const MAX_PATCH = 65_536;

/** A way to make a merge: patches that are merged one after the other. */
interface Way {
	patches: string[];
	/** The number of members of all patches. */
	members: number;
	/** The most work that may find the parts in this way. */
	maxWork: number;
}

/** The ways to make a merge, the one that keeps least first: one place at a time where these are few, and at once. */
export function waysToMerge(patch: string): Way[] {
	if (patch.length > MAX_PATCH) return [];
	const atOnce = { patches: [patch], members: Math.max(1, countMembers(patch)), maxWork: MAX_ONE_PART_WORK };
	const apart = singleChanges(patch, MAX_PATCH);
	return apart && apart.patches.length > 1 ? [{ ...apart, maxWork: MAX_PARTS_WORK }, atOnce] : [atOnce];
}

/** What gives `object` back after a patch was merged into it: the parts that differ, or the object where that is shorter. */
export function beforeMerge(object: string | null, patch: string): string {
	if (object === null) return 'null';
	const size = object.length + patch.length;
	const way = waysToMerge(patch).find(({ members, maxWork }) => members * size <= maxWork);
	if (!way) return object;
	const parts: Part[] = [];
	let text = object;
	for (const [at, each] of way.patches.entries()) {
		const next = mergePatch(text, each);
		parts.push([at, ...difference(text, next)]);
		text = next;
	}
	const written = JSON.stringify(parts);
	return utf8Length(written) < utf8Length(object) ? written : object;
}

/** The part in which `before` differs from `after`. */
function difference(before: string, after: string): [head: number, tail: number, text: string] {
	const max = Math.min(before.length, after.length);
	let head = 0;
	while (head < max && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
	if (isWithinCharacter(before, head) || isWithinCharacter(after, head)) head -= 1;
	let tail = 0;
	while (
		tail < max - head &&
		before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
	)
		tail += 1;
	if (isWithinCharacter(before, before.length - tail) || isWithinCharacter(after, after.length - tail))
		tail -= 1;
	const end = before.length - tail;
	return [utf8Length(before.slice(0, head)), utf8Length(before.slice(end)), before.slice(head, end)];
}

/** Whether the place is between the two halves of a surrogate pair. */
const isWithinCharacter = (text: string, at: number): boolean =>
	at > 0 && /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));

/** Whether what a change kept of an object stands for itself, so that no later state is needed. */
export const isWholeObject = (kept: string): boolean => !kept.startsWith('[');

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Goes back from an object to what it was before some changes. `changes` has what each of them kept, the newest first. All are
 * lists of parts. The work is one move of the object's tail for each part.
 */
export function undo(object: string, changes: readonly string[]): string {
	if (changes.length === 0) return object;
	let bytes = new Uint8Array(2 * limits.storedObject);
	let length = encoder.encodeInto(object, bytes).written;
	for (const kept of changes) {
		const parts = JSON.parse(kept) as Part[];
		for (const [, head, tail, text] of parts.sort(([a], [b]) => b - a)) {
			const size = utf8Length(text);
			const now = head + size + tail;
			if (now > bytes.length) {
				const larger = new Uint8Array(2 * now);
				larger.set(bytes.subarray(0, length));
				bytes = larger;
			}
			bytes.copyWithin(head + size, length - tail, length);
			encoder.encodeInto(text, bytes.subarray(head));
			length = now;
		}
	}
	return decoder.decode(bytes.subarray(0, length));
}

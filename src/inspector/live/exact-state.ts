import { mergePatch } from '../../json/merge-patch.ts';
import { membersOf } from '../json/text.ts';
import { type ExactObjects, OBJECTS, type ObjectName } from '../model/object-names.ts';

const isObjectName = (name: string): name is ObjectName => (OBJECTS as readonly string[]).includes(name);

/** The four objects of a session as JSON texts; 'null' where there is none. */
export const objectsIn = (session: ReadonlyMap<string, string>): ExactObjects =>
	Object.fromEntries(OBJECTS.map((name) => [name, session.get(name) ?? 'null'])) as ExactObjects;

/**
 * Applies a frame of the stream to the texts of the objects. A value of JavaScript would lose digits of numbers and the order of
 * some members. Undefined for a frame that is not about them.
 */
export function applied(
	objects: ExactObjects | undefined,
	type: string,
	data: string,
): ExactObjects | undefined {
	if (type === 'snapshot') return objectsIn(membersOf(membersOf(data).get('session') ?? '{}'));
	if (type !== 'change' || !objects) return undefined;
	const frame = membersOf(data);
	const next: Record<ObjectName, string> = { ...objects };
	for (const [name, value] of membersOf(frame.get('set') ?? '{}')) {
		if (isObjectName(name)) next[name] = value;
	}
	for (const [name, patch] of membersOf(frame.get('merge') ?? '{}')) {
		if (isObjectName(name)) next[name] = mergePatch(next[name], patch);
	}
	return next;
}

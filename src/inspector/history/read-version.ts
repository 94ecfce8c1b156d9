import { membersOf } from '../json/text.ts';
import type { ObjectName } from '../model/object-names.ts';
import type { Connect } from '../service.ts';

const MAX_KEPT = 12;
const kept = new Map<string, string>();

const keyOf = (id: string, version: number, name: ObjectName): string => `${id} ${version} ${name}`;

/** An object of a version that was read before. */
export const keptVersion = (id: string, version: number, name: ObjectName): string | undefined =>
	kept.get(keyOf(id, version, name));

/** Reads an object as it was at a version, as a JSON text. Throws as the client does. */
export async function readVersion(
	connect: Connect,
	id: string,
	version: number,
	name: ObjectName,
	signal: AbortSignal,
): Promise<string> {
	const key = keyOf(id, version, name);
	const known = kept.get(key);
	if (known !== undefined) return known;
	const { text } = await connect()
		.get(id, { version, fields: [name], signal, maxRetries: 1 })
		.withResponse();
	const json = membersOf(text).get(name) ?? 'null';
	kept.set(key, json);
	const [oldest] = kept.keys();
	if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
	return json;
}

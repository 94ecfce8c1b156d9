import { type Json, Members } from './ordered-json.ts';

/** RFC 7396, section 2, on ordered members: a changed member keeps its place, and a new one is appended. */
export function merge(target: Json | null, patch: Json): Json {
	if (!(patch instanceof Members)) return patch;
	const members = new Map(target instanceof Members ? target.list : []);
	for (const [name, value] of patch.list) {
		if (value === null) members.delete(name);
		else members.set(name, merge(members.get(name) ?? null, value));
	}
	return new Members(members);
}

import type { Client } from './api.ts';
import { isObject } from './response.ts';
import type { Types } from './typed.ts';
import type { Session, StepPatch, UpdateSession } from './types.ts';
import type { RestoreOptions } from './writes.ts';

const OBJECTS = ['assemblyState', 'plan', 'prd', 'productObject'] as const;
/** The fields that a write can set. */
const FIELDS = [...OBJECTS, 'productObjectHash', 'status'] as const;

/** See `Client.restore`. */
export async function restore<T extends Types>(
	client: Client<T>,
	id: string,
	version: number,
	{ event, ...options }: RestoreOptions<T>,
): Promise<Session<T>> {
	const past = await client.get(id, { ...options, version, fields: FIELDS });
	const { data: now, etag } = await client.get(id, { ...options, fields: FIELDS }).withResponse();
	const conditionally = { ...options, ifMatch: etag };
	const given = FIELDS.filter((field) => past[field] !== null);
	const clears = FIELDS.some((field) => past[field] === null && now[field] !== null);
	if (!event && !clears) {
		const fields = Object.fromEntries(given.map((field) => [field, past[field]]));
		return client.update(id, fields as UpdateSession<T>, conditionally);
	}
	const patch: Record<string, unknown> = { status: past.status, productObjectHash: past.productObjectHash };
	for (const field of OBJECTS) {
		const changes = patchBetween(now[field], past[field]);
		if (changes !== undefined) patch[field] = changes;
	}
	if (!event) return client.merge(id, patch as StepPatch<T>, conditionally);
	return (await client.step(id, { events: [event], patch: patch as StepPatch<T> }, conditionally)).session;
}

/**
 * The merge patch (RFC 7396) that turns one value into another; undefined when they are the same. Throws a TypeError where only
 * replacing the whole could.
 */
function patchBetween(from: unknown, to: unknown, isMember = false): unknown {
	if (JSON.stringify(from) === JSON.stringify(to)) return undefined;
	if (to === null && isMember) {
		throw new TypeError(
			'A member of an object is null in this version. A merge cannot write that: use update.',
		);
	}
	if (!isObject(to) || Array.isArray(to)) return to;
	const patch: Record<string, unknown> = {};
	const old = isObject(from) && !Array.isArray(from) ? from : {};
	for (const name of Object.keys(old)) if (!Object.hasOwn(to, name)) patch[name] = null;
	for (const [name, value] of Object.entries(to)) {
		const changes = patchBetween(Object.hasOwn(old, name) ? old[name] : undefined, value, true);
		if (changes !== undefined) patch[name] = changes;
	}
	return patch;
}

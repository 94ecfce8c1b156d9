import { merge } from '../../scripts/conformance/merge.ts';
import { type Json, Members, NumberLiteral } from '../../scripts/conformance/ordered-json.ts';
import type { Appended, Fields } from './steps.ts';

/** A model of the service in memory. It predicts stored data and responses, without a database, HTTP or time. */

export interface ModelEvent {
	/** The response to the append. */
	json: Json;
	id: string;
	key: string | undefined;
	/** The body that a retry must repeat. */
	content: string;
}

/** What a session was, from the event after which the version began. */
export interface ModelVersion {
	fields: Map<string, Json>;
	events: number;
	/** The fields that the change set, in their order. */
	changed: string[];
}

export interface ModelSession {
	owner: number;
	id: string;
	isAlive: boolean;
	version: number;
	/** All versions, the first of them first. */
	versions: ModelVersion[];
	/** The 14 fields on the wire, in their order. */
	fields: Map<string, Json>;
	events: ModelEvent[];
	key: string | undefined;
	content: string;
	/** The response to the create. */
	created: Json;
}

/** All sessions that were ever created, oldest first. */
export type Model = ModelSession[];

const OBJECTS = ['assemblyState', 'plan', 'prd', 'productObject'] as const;

/** A session that the caller can see. */
export const visible = (session: ModelSession | undefined, caller: number): session is ModelSession =>
	session?.isAlive === true && session.owner === caller;

/** The session that the caller created with this Idempotency-Key. */
export const sessionOfKey = (model: Model, caller: number, key: string): ModelSession | undefined =>
	model.find((session) => visible(session, caller) && session.key === key);

export const etagOf = ({ version }: ModelSession): string => `"${version}"`;

const tagOf = (version: number, events: number): string =>
	events === 0 ? `"${version}"` : `"${version}.${events}"`;

export const detailsTagOf = ({ version, events }: ModelSession, hasEvents = true): string =>
	tagOf(version, hasEvents ? events.length : 0);

/** A session as it was at a version, or some of its fields, with the ETag. Undefined for a version that never was. */
export function past(
	{ versions, events }: ModelSession,
	version: number,
	wanted: readonly string[] | undefined,
): { json: Json; tag: string } | undefined {
	const found = versions[version - 1];
	if (!found) return undefined;
	const hasEvents = wanted === undefined || wanted.includes('events');
	return {
		json: details({ fields: found.fields, events: events.slice(0, found.events) }, wanted),
		tag: tagOf(version, hasEvents ? found.events : 0),
	};
}

/** The list of versions, the newest first. */
export const versionList = ({ versions, events }: ModelSession): Json[] =>
	versions
		.map(
			({ fields, events: count, changed }, at) =>
				new Members([
					['afterEvent', events[count - 1]?.id ?? null],
					['changed', changed],
					['etag', tagOf(at + 1, 0)],
					['status', fields.get('status') ?? null],
					['updatedAt', fields.get('updatedAt') ?? null],
					['version', new NumberLiteral(String(at + 1))],
				]),
		)
		.reverse();

/** Whether the body has a field that PATCH defines. */
export const changesSomething = (fields: Fields): boolean => Object.keys(fields).length > 0;

/**
 * The fields of a session after a PATCH, without updatedAt. With `hashes` the service computes the hash, which is left
 * out as well.
 */
export function patched(
	session: ModelSession,
	fields: Fields,
	how: 'replace' | 'merge',
): { fields: Map<string, Json>; hashes: boolean } {
	const after = new Map(session.fields);
	for (const name of OBJECTS) {
		const sent = fields[name];
		if (sent === undefined) continue;
		const now = how === 'merge' && sent !== null ? merge(after.get(name) ?? null, sent.object) : sent?.object;
		after.set(name, now ?? null);
	}
	if (fields.status !== undefined) after.set('status', fields.status);
	if (fields.productObjectHash !== undefined) after.set('productObjectHash', fields.productObjectHash);
	const hashes = fields.productObject !== undefined && fields.productObjectHash === undefined;
	if (hashes && after.get('productObject') === null) after.set('productObjectHash', null);
	return { fields: after, hashes: hashes && after.get('productObject') !== null };
}

/** Picks fields of an object, in the object's order. */
export const sparse = (object: ReadonlyMap<string, Json>, fields: readonly string[] | undefined): Members =>
	new Members(Array.from(object).filter(([name]) => fields === undefined || fields.includes(name)));

/** A session with events as details return it, or some of its fields. */
export function details(
	{ fields, events }: Pick<ModelSession, 'fields' | 'events'>,
	wanted: readonly string[] | undefined,
): Json {
	const list: [string, Json][] = [];
	for (const entry of fields) {
		list.push(entry);
		if (entry[0] === 'createdAt') list.push(['events', events.map(({ json }) => json)]);
	}
	return sparse(new Map(list), wanted);
}

/** The event's fields that come from the request, as on the wire. */
export const eventFields = ({ type, message, stage, payload }: Appended): [string, Json][] => [
	['message', message ?? null],
	['payload', payload?.object ?? new Members([])],
	['stage', stage ?? null],
	['type', type],
];

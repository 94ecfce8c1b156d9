/** What each write sends, and what the service answers when it succeeds. */
import { ifMatchHeader, isConditional } from './etag.ts';
import { randomId } from './headers.ts';
import {
	type ConditionalOptions,
	checkedKey,
	type KeyedOptions,
	type Method,
	type RequestOptions,
} from './options.ts';
import type { Call } from './send.ts';
import { deletedShape, keyShape, type Shape, sessionShape } from './shapes.ts';
import { pathOf, queryOf } from './url.ts';
import type { KeyOptions } from './writes.ts';

const JSON_TYPE = 'application/json';

/** A write with an Idempotency-Key, which the service carries out once. */
export function postOf(
	path: string,
	body: unknown,
	options: KeyedOptions & ConditionalOptions,
	isOwn: Shape,
): Call {
	const { idempotencyKey, ifMatch } = options;
	return {
		method: 'POST',
		path,
		headers: {
			'content-type': JSON_TYPE,
			'idempotency-key': idempotencyKey === undefined ? randomId() : checkedKey(idempotencyKey),
			...ifMatchHeader(ifMatch),
		},
		body: JSON.stringify(body),
		kind: 'keyed',
		isRepeatable: true,
		documented: 201,
		isOwn,
		options,
	};
}

/** A write that is retried only with a condition. Without one, a retry could undo another writer's change. */
export const patchOf = (id: string, body: unknown, type: string, options: ConditionalOptions): Call => ({
	method: 'PATCH',
	path: pathOf(id),
	headers: { 'content-type': type, ...ifMatchHeader(options.ifMatch) },
	body: JSON.stringify(body),
	kind: 'patch',
	isRepeatable: isConditional(options.ifMatch),
	documented: 200,
	isOwn: sessionShape(id),
	options,
});

/** A deletion can be repeated without a condition, because an id is never used again. */
export const deletionOf = (path: string, options: ConditionalOptions): Call => ({
	method: 'DELETE',
	path,
	headers: ifMatchHeader(options.ifMatch),
	kind: 'delete',
	isRepeatable: true,
	documented: 200,
	isOwn: deletedShape,
	options,
});

export const newKeyOf = (id: string, { append, expiresInSeconds, ...options }: KeyOptions): Call => ({
	method: 'POST',
	path: pathOf(id, 'keys'),
	headers: { 'content-type': JSON_TYPE },
	body: JSON.stringify({ append, expiresInSeconds }),
	kind: 'other',
	isRepeatable: false,
	documented: 201,
	isOwn: keyShape,
	options,
});

/** See `Client.request`. Throws a TypeError for a path that leads elsewhere. */
export function requestOf(base: string, method: Method, path: string, options: RequestOptions): Call {
	const { query = {}, body, bodyText, contentType = JSON_TYPE, idempotencyKey, ifMatch } = options;
	if (!/^\/[^?#]*$/.test(path) || new URL(base + path).href !== base + path) {
		throw new TypeError('The path must begin with a slash, and be without a query, a fragment and dots.');
	}
	const text = bodyText ?? (body === undefined ? null : JSON.stringify(body));
	const isRead = method === 'GET';
	if (isRead && text !== null) throw new TypeError('A GET must be without a body. Pass a query.');
	return {
		method,
		path: path + queryOf(query),
		headers: {
			...(text === null ? {} : { 'content-type': contentType }),
			...(idempotencyKey === undefined ? {} : { 'idempotency-key': checkedKey(idempotencyKey) }),
			...ifMatchHeader(ifMatch),
		},
		body: text,
		kind: isRead ? 'read' : idempotencyKey === undefined ? 'other' : 'keyed',
		isRepeatable: isRead || method === 'DELETE' || idempotencyKey !== undefined || isConditional(ifMatch),
		documented: undefined,
		isOwn: (value) => value !== undefined,
		options,
	};
}

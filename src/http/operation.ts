import type { Handler } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { ZodType } from 'zod';
import { ApiError, type ErrorCode } from '../core/errors.ts';
import { mayDo, type NeededPermission, type Principal } from '../core/principal.ts';
import type { AppEnv } from './context.ts';

/** A successful response of an operation. The OpenAPI document is made from it. */
export interface DocumentedResponse {
	description: string;
	/** The schema of the JSON body. */
	schema?: ZodType;
	/** The media type of a body that is not JSON. */
	mediaType?: string;
	/** The examples of the frames, by name, if the client may ask for a stream of Server-Sent Events instead. */
	frames?: Readonly<Record<string, string>>;
	/** Whether the response carries the session's ETag. */
	etag?: true;
	/** Whether the response links to the next page, if there is one. */
	next?: true;
	/** Whether the response is a redirect. */
	redirects?: true;
}

/** The request headers that an operation can support. */
export type ConditionalHeader = 'If-Match' | 'If-None-Match' | 'Idempotency-Key' | 'Last-Event-ID';

/** The documentation of an operation in the OpenAPI document, apart from its validators. */
export interface Operation {
	/** Unique. Client generators use it as the name of a method. */
	id: string;
	tag: 'Sessions' | 'Events' | 'Webhooks' | 'Service';
	summary: string;
	description: string;
	/** The permission that a caller needs. Undefined for a public operation. */
	permission?: NeededPermission;
	/**
	 * Whether a key for one session may call it on that session, or only one that may append events: then the operation checks
	 * the types with `checkMayAppend`. Other operations reject such a key.
	 */
	forSessionKeys?: true | 'that may append';
	/** Whether a public operation queries the database. Operations that need a permission always do. */
	usesDatabase?: true;
	/** The ids in its path, by name, apart from that of a session. */
	path?: Readonly<Record<string, ZodType>>;
	headers?: readonly ConditionalHeader[];
	responses: Readonly<Record<number, DocumentedResponse>>;
	/** Errors beyond those that follow from the permission, the headers, the path and the validators. */
	errors?: readonly ErrorCode[];
}

const operations = new WeakMap<object, Operation>();

/**
 * Declares an operation at its route: rejects callers that lack the permission, and keeps the declaration for the
 * OpenAPI document. Throws FORBIDDEN.
 *
 * @example
 * app.get('/:id', operation({ id: 'getSession', permission: 'PRODUCTS:READ', … }), (c) => …)
 */
export function operation(declared: Operation) {
	const { permission, forSessionKeys } = declared;
	const handler = createMiddleware<AppEnv>(async (c, next) => {
		if (permission !== undefined) checkCaller(c.get('principal'), permission, forSessionKeys);
		return next();
	});
	operations.set(handler, declared);
	return handler;
}

/** Whether a caller may call an operation with this permission and this rule for keys for one session. */
export function mayCall(
	principal: Principal,
	needed: NeededPermission,
	forSessionKeys: Operation['forSessionKeys'],
): boolean {
	if (principal.sessionId === null || forSessionKeys === true) return mayDo(principal, needed);
	// The list of the key stands for the permission.
	return forSessionKeys === 'that may append' && principal.appendTypes.length > 0;
}

/** Throws FORBIDDEN for a caller that may not call an operation. */
export function checkCaller(
	principal: Principal,
	needed: NeededPermission,
	forSessionKeys: Operation['forSessionKeys'],
): void {
	if (mayCall(principal, needed, forSessionKeys)) return;
	if (principal.sessionId === null || forSessionKeys === true) {
		throw new ApiError('FORBIDDEN', `This call needs the permission ${needed}.`);
	}
	const sentence =
		principal.appendTypes.length > 0
			? 'This key can read one session, append events of some types to it, and do nothing else.'
			: 'This key can read one session and do nothing else.';
	throw new ApiError('FORBIDDEN', sentence);
}

/** The operation that a handler of a route declares, or undefined. */
export const operationOf = (handler: Handler): Operation | undefined => operations.get(handler);

/** The part of a request that a validator checks, with its schemas: a body has one for each media type. */
export type Validated =
	| { target: 'query'; schema: ZodType }
	| { target: 'body'; schemas: Readonly<Record<string, ZodType>>; required: boolean };

const validators = new WeakMap<object, Validated>();

/** Records what a validator checks, for the OpenAPI document. Returns the validator. */
export function documentedValidator<H extends object>(handler: H, validated: Validated): H {
	validators.set(handler, validated);
	return handler;
}

/** The part of a request that a route's handler validates, or undefined. */
export const validatedBy = (handler: Handler): Validated | undefined => validators.get(handler);

import type { Handler } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { ZodType } from 'zod';
import { ApiError, type ErrorCode } from '../core/errors.ts';
import { mayDo, type NeededPermission } from '../core/principal.ts';
import type { AppEnv } from './context.ts';

/** A response that an operation gives when it succeeds. The OpenAPI document is made from it. */
export interface DocumentedResponse {
	description: string;
	/** Of the JSON body. */
	schema?: ZodType;
	/** Of the body, when it is not JSON. */
	mediaType?: string;
	/** The examples of the frames, by name, where the client may ask for a stream of Server-Sent Events instead. */
	frames?: Readonly<Record<string, string>>;
	/** Whether the response carries the session's ETag. */
	etag?: true;
	/** Whether the response links to the next page, if there is one. */
	next?: true;
	/** Whether the response is a redirect. */
	redirects?: true;
}

/** The headers of a request that an operation may give a meaning to. */
export type ConditionalHeader = 'If-Match' | 'If-None-Match' | 'Idempotency-Key' | 'Last-Event-ID';

/** What the OpenAPI document says of an operation, apart from what its validators check. */
export interface Operation {
	/** Unique; generators of clients make a method's name from it. */
	id: string;
	tag: 'Sessions' | 'Events' | 'Service';
	summary: string;
	description: string;
	/** The permission that a caller needs. Absent: the operation is open to all. */
	permission?: NeededPermission;
	/** Whether a key for one session may call it, on that session. Other operations refuse such a key. */
	forSessionKeys?: true;
	/** Whether an operation that is open to all asks the database. Those that need a permission always do. */
	usesDatabase?: true;
	headers?: readonly ConditionalHeader[];
	responses: Readonly<Record<number, DocumentedResponse>>;
	/** Errors beyond those that follow from the permission, the headers, the path and the validators. */
	errors?: readonly ErrorCode[];
}

const operations = new WeakMap<object, Operation>();

/**
 * Declares an operation at its route: refuses callers that lack the permission, and remembers the rest for the OpenAPI
 * document. Throws FORBIDDEN.
 *
 * @example
 * app.get('/:id', operation({ id: 'getSession', permission: 'PRODUCTS:READ', … }), (c) => …)
 */
export function operation(declared: Operation) {
	const { permission } = declared;
	const handler = createMiddleware<AppEnv>(async (c, next) => {
		if (permission !== undefined) {
			const principal = c.get('principal');
			if (!mayDo(principal, permission)) {
				throw new ApiError('FORBIDDEN', `This call needs the permission ${permission}.`);
			}
			if (principal.sessionId !== null && !declared.forSessionKeys) {
				throw new ApiError('FORBIDDEN', 'A key for one session can read that session and nothing else.');
			}
		}
		return next();
	});
	operations.set(handler, declared);
	return handler;
}

/** The operation that a handler of a route declares, or undefined. */
export const operationOf = (handler: Handler): Operation | undefined => operations.get(handler);

/** The part of a request that a validator checks, with its schemas: for a body one for each media type. */
export type Validated =
	| { target: 'query'; schema: ZodType }
	| { target: 'body'; schemas: Readonly<Record<string, ZodType>>; required: boolean };

const validators = new WeakMap<object, Validated>();

/** Remembers what a validator checks, for the OpenAPI document. Returns the validator. */
export function documentedValidator<H extends object>(handler: H, validated: Validated): H {
	validators.set(handler, validated);
	return handler;
}

/** What a handler of a route validates, or undefined. */
export const validatedBy = (handler: Handler): Validated | undefined => validators.get(handler);

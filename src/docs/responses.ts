import * as z from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { type ErrorCode, errorSchema, errorStatus } from '../core/errors.ts';

const header = (id: string, pattern: RegExp, most: number, description: string) =>
	z.string().max(most).regex(pattern).meta({ description, header: { id } });

const requestId = header(
	'X-Request-Id',
	/^[A-Za-z0-9._-]{1,128}$/,
	128,
	'Names the request in the log: the caller’s own id, if it sent a fitting one.',
);
const retryAfter = header('Retry-After', /^\d+$/, 10, 'When to try again, in seconds.');
const challenge = header(
	'WWW-Authenticate',
	/^Bearer /,
	255,
	'RFC 6750: how to authenticate, and what was wrong.',
);

/** The headers that answers of a call can carry beside those of every answer. */
export const answerHeaders = {
	etag: header('ETag', /^"\d+(\.\d+)?"$/, 40, 'Strong; changes with every change of what it tags.'),
	bookmark: header(
		'X-D1-Bookmark',
		/^[0-9a-f-]{59}$/,
		59,
		'How recent the answer is. A read that sends it back is at least that recent.',
	).optional(),
	replayed: z
		.literal('true')
		.meta({ description: 'A retry: nothing new was made.', header: { id: 'Idempotency-Replayed' } })
		.optional(),
};

type Headers = Record<string, z.ZodType>;

const answer = (
	description: string,
	content: ZodOpenApiResponseObject['content'] | undefined,
	headers: Headers = {},
): ZodOpenApiResponseObject => ({
	description,
	...(content ? { content } : {}),
	headers: z.object({ 'X-Request-Id': requestId, ...headers }),
});

export const jsonAnswer = (description: string, schema: z.ZodType, headers: Headers = {}) =>
	answer(description, { 'application/json': { schema } }, headers);

/** A JSON answer for which the database was asked. */
export const databaseAnswer = (description: string, schema: z.ZodType, headers: Headers = {}) =>
	jsonAnswer(description, schema, { 'X-D1-Bookmark': answerHeaders.bookmark, ...headers });

export const textAnswer = (description: string, mediaType: string) =>
	answer(description, { [mediaType]: { schema: z.string().max(1_000_000) } });

export const notModified = answer('What the caller has is current.', undefined, {
	'X-D1-Bookmark': answerHeaders.bookmark,
	ETag: answerHeaders.etag,
});

export const redirect = (description: string) =>
	answer(description, undefined, { Location: header('Location', /^\//, 255, 'Where.') });

const meanings: Record<ErrorCode, string> = {
	INVALID_JSON: 'The body is not valid JSON in UTF-8.',
	VALIDATION_ERROR: 'Body, query or header does not fit. `details` names each problem.',
	UNAUTHORIZED: 'No credentials, or unknown, expired or revoked ones.',
	FORBIDDEN: 'The API key lacks the permission that the call needs.',
	SESSION_NOT_FOUND:
		'The caller has no such session: it never existed, was deleted, has expired, or is another’s.',
	NOT_FOUND: 'There is nothing at this path.',
	METHOD_NOT_ALLOWED: 'The path is known, the method is not. `Allow` names those that are.',
	PRECONDITION_FAILED: 'The session has changed since the `ETag` in `If-Match`. Nothing was written.',
	PAYLOAD_TOO_LARGE: 'The body, or an object in it, is over its limit. Nothing was written.',
	UNSUPPORTED_MEDIA_TYPE: 'The call does not take a body of this `Content-Type` or `Content-Encoding`.',
	IDEMPOTENCY_KEY_REUSED: 'The `Idempotency-Key` was sent before, with another body.',
	RATE_LIMITED: 'Too many requests.',
	INTERNAL_ERROR: 'Something went wrong in the service.',
	DATABASE_UNAVAILABLE: 'The database is overloaded or unreachable.',
};

const headersOf: Partial<Record<ErrorCode, Headers>> = {
	UNAUTHORIZED: { 'WWW-Authenticate': challenge },
	PRECONDITION_FAILED: { ETag: answerHeaders.etag },
	RATE_LIMITED: { 'Retry-After': retryAfter },
	DATABASE_UNAVAILABLE: { 'Retry-After': retryAfter },
};

const exampleOf = (code: ErrorCode) => ({
	value: {
		error: meanings[code].split('. ')[0]?.replace(/\.?$/, '.').replaceAll('`', ''),
		code,
		requestId: '6e1f0c1e-6f0b-4a7e-9a51-6f3b2c4d5e6f',
		...(code === 'VALIDATION_ERROR'
			? { details: [{ path: 'status', message: 'Invalid option: expected one of "intake"|"planning"' }] }
			: {}),
	},
});

/** One object for one set of codes: the document refers to it wherever it is used. */
const known = new Map<string, ZodOpenApiResponseObject>();

/** The one answer that these codes, which share a status, can have. */
function errorAnswer(codes: ErrorCode[]): ZodOpenApiResponseObject {
	const id = codes.join('_or_');
	const made = known.get(id) ?? {
		id,
		description: codes.map((code) => `\`${code}\`: ${meanings[code]}`).join('\n\n'),
		content: {
			'application/json': {
				schema: {
					allOf: [
						{ $ref: '#/components/schemas/Error' },
						{ type: 'object', properties: { code: { type: 'string', enum: codes } } },
					],
				},
				examples: Object.fromEntries(codes.map((code) => [code, exampleOf(code)])),
			},
		},
		headers: z.object({
			'X-Request-Id': requestId,
			...Object.assign({}, ...codes.map((code) => headersOf[code] ?? {})),
		}),
	};
	known.set(id, made);
	return made;
}

/** The answers with these codes, one for each status. */
export function errorAnswers(...codes: ErrorCode[]): ZodOpenApiResponsesObject {
	const byStatus = Map.groupBy(codes, (code) => errorStatus[code]);
	return Object.fromEntries(Array.from(byStatus, ([status, same]) => [status, errorAnswer(same)]));
}

/** Registered by name, because the answers above refer to it so. */
export const errorComponents = { Error: errorSchema };

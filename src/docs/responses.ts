import * as z from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { type ErrorCode, errorSchema, errorStatus } from '../core/errors.ts';
import type { DocumentedResponse } from '../http/operation.ts';
import { REQUEST_ID } from '../http/request-id.ts';

const header = (id: string, pattern: RegExp, max: number, description: string) =>
	z.string().max(max).regex(pattern).meta({ description, header: { id } });

const requestId = header(
	'X-Request-Id',
	REQUEST_ID,
	128,
	'The id of the request in the log: the caller’s own id if it is valid.',
);
const retryAfter = header('Retry-After', /^\d+$/, 10, 'When to try again, in seconds.');
const challenge = header(
	'WWW-Authenticate',
	/^Bearer /,
	255,
	'RFC 6750: how to authenticate, and what is wrong.',
);

const location = header('Location', /^\//, 255, 'Where.');
const etag = header('ETag', /^"\d+(\.\d+)?"$/, 40, 'Strong; changes with every change of what it tags.');
const next = header(
	'Link',
	/^<\S+>; rel="next"$/,
	2048,
	'RFC 8288: the next page, if there is one. It keeps `limit`, `status` and `fields`.',
).optional();
const bookmark = header(
	'X-D1-Bookmark',
	/^([1-9]\d?:)?[0-9a-f-]{59}$/,
	62,
	'How recent the response is. A read from the same database that sends it back is at least that recent. A list from several databases has none.',
).optional();
const replayed = z
	.literal('true')
	.meta({
		description: 'The response to a retry, which created nothing.',
		header: { id: 'Idempotency-Replayed' },
	})
	.optional();

type Headers = Record<string, z.ZodType>;

/** A response that an operation declares, with the headers that follow from its declaration. */
export function successResponse(
	response: DocumentedResponse,
	{ fromDatabase, replayable }: { fromDatabase: boolean; replayable: boolean },
): ZodOpenApiResponseObject {
	const { description, schema, mediaType, frames } = response;
	const content = schema
		? { 'application/json': { schema }, ...(frames ? { 'text/event-stream': streamContent(frames) } : {}) }
		: mediaType && { [mediaType]: { schema: z.string().max(1_000_000) } };
	return {
		description,
		...(content ? { content } : {}),
		headers: z.object({
			'X-Request-Id': requestId,
			...(fromDatabase ? { 'X-D1-Bookmark': bookmark } : {}),
			...(response.etag ? { ETag: etag } : {}),
			...(replayable ? { 'Idempotency-Replayed': replayed } : {}),
			...(response.next ? { Link: next } : {}),
			...(response.redirects ? { Location: location } : {}),
		}),
	};
}

/** OpenAPI 3.1 cannot describe the frames of a stream, so the document shows an example of each. */
const streamContent = (frames: Readonly<Record<string, string>>) => ({
	schema: z.string().max(1_000_000_000),
	examples: Object.fromEntries(Object.entries(frames).map(([name, value]) => [name, { value }])),
});

const meanings: Record<ErrorCode, string> = {
	INVALID_JSON: 'The body is not valid JSON in UTF-8.',
	VALIDATION_ERROR: 'The body, the query or a header is invalid. `details` names each problem.',
	UNAUTHORIZED: 'No credentials, or unknown, expired or revoked ones.',
	FORBIDDEN:
		'The API key lacks the permission that the call needs, or is for one session and may not do this.',
	QUOTA_EXCEEDED: 'A limit on what may be stored is reached. Nothing was written.',
	SESSION_NOT_FOUND: 'The session never existed, was deleted, has expired, or belongs to another caller.',
	VERSION_NOT_FOUND: 'The version of the session does not exist, or is not kept any more.',
	NOT_FOUND: 'There is nothing at this path.',
	METHOD_NOT_ALLOWED: 'The path does not support the method. `Allow` lists the supported ones.',
	REQUEST_TIMEOUT: 'The body did not arrive in time. Nothing was written.',
	PRECONDITION_FAILED: 'The session has changed since the `ETag` in `If-Match`. Nothing was written.',
	PAYLOAD_TOO_LARGE: 'The body or an object in it exceeds its limit. Nothing was written.',
	UNSUPPORTED_MEDIA_TYPE: 'The call does not accept a body of this `Content-Type` or `Content-Encoding`.',
	IDEMPOTENCY_KEY_REUSED: 'The `Idempotency-Key` was used before with another body.',
	RATE_LIMITED: 'Too many requests, or too much at once.',
	INTERNAL_ERROR: 'Something went wrong in the service.',
	DATABASE_UNAVAILABLE: 'The database is overloaded or unreachable, or its migrations are not applied.',
};

const headersOf: Partial<Record<ErrorCode, Headers>> = {
	UNAUTHORIZED: { 'WWW-Authenticate': challenge },
	PRECONDITION_FAILED: { ETag: etag },
	RATE_LIMITED: { 'Retry-After': retryAfter },
	DATABASE_UNAVAILABLE: { 'Retry-After': retryAfter },
};

const exampleOf = (code: ErrorCode) => ({
	value: {
		error: meanings[code].split('. ')[0]?.replace(/\.?$/, '.').replaceAll('`', ''),
		code,
		requestId: '6e1f0c1e-6f0b-4a7e-9a51-6f3b2c4d5e6f',
		...(code === 'VALIDATION_ERROR'
			? {
					details: [
						{
							path: 'status',
							message: 'is not one of the allowed values',
							code: 'INVALID_ENUM',
							suggestion: 'Use one of intake, generating, assembling, complete, failed.',
						},
					],
				}
			: {}),
	},
});

/** One object for each set of codes, because the document refers to it wherever it is used. */
const known = new Map<string, ZodOpenApiResponseObject>();

/** The response for codes that share a status. */
function errorResponse(codes: ErrorCode[]): ZodOpenApiResponseObject {
	const id = codes.join('_or_');
	const made = known.get(id) ?? {
		id,
		description: codes.map((code) => `\`${code}\`: ${meanings[code]}`).join('\n\n'),
		content: {
			'application/json': {
				schema: {
					allOf: [
						{ $ref: '#/components/schemas/ErrorResponse' },
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

/** The error responses with these codes, one for each status. */
export function errorResponses(...codes: ErrorCode[]): ZodOpenApiResponsesObject {
	const byStatus = Map.groupBy(codes, (code) => errorStatus[code]);
	return Object.fromEntries(Array.from(byStatus, ([status, same]) => [status, errorResponse(same)]));
}

/** Registered by name, because the responses above refer to it by name. */
export const errorComponents = { ErrorResponse: errorSchema };

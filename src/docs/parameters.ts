import * as z from 'zod';
import { limits } from '../core/limits.ts';
import { sessionIdSchema } from '../core/session-reference.ts';

/** What the document says of parameters that no schema validates: the id in a path, and headers. */

export const idInPath = z.object({
	id: sessionIdSchema.meta({
		description: 'The session’s id.',
		param: { id: 'SessionId' },
	}),
});

const requestId = z
	.string()
	.max(128)
	.regex(/^[A-Za-z0-9._-]{1,128}$/)
	.optional()
	.meta({
		description:
			'Names the request in answers and in the log. One is made when none, or no fitting one, is sent.',
		param: { id: 'RequestId' },
	});

const bookmark = z
	.string()
	.max(59)
	.optional()
	.meta({
		description: 'From an earlier answer: a replica that is at least that recent may answer.',
		param: { id: 'Bookmark' },
	});

const entityTags = (id: string, description: string) =>
	z.string().max(8192).optional().meta({ description, param: { id } });

const idempotencyKey = z
	.string()
	.max(limits.idempotencyKey)
	.regex(/^[\x21-\x7e]{1,255}$/)
	.optional()
	.meta({
		description:
			'Makes a retry safe: the same key with the same body answers what the first request answered, and makes nothing new.',
		param: { id: 'IdempotencyKey' },
	});

export const headersOfRead = z.object({ 'X-Request-Id': requestId, 'X-D1-Bookmark': bookmark });
export const headersOfConditionalRead = headersOfRead.extend({
	'If-None-Match': entityTags('IfNoneMatch', 'RFC 9110: 304 when one of these tags is current.'),
});
export const headersOfConditionalWrite = z.object({
	'X-Request-Id': requestId,
	'If-Match': entityTags(
		'IfMatch',
		'RFC 9110: the call is done only when one of these tags is current, else it is a 412.',
	),
});
export const headersOfRepeatableWrite = z.object({
	'X-Request-Id': requestId,
	'Idempotency-Key': idempotencyKey,
});

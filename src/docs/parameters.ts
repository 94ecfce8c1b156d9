import * as z from 'zod';
import { IDEMPOTENCY_KEY } from '../core/idempotency.ts';
import { limits } from '../core/limits.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import type { ConditionalHeader } from '../http/operation.ts';
import { REQUEST_ID } from '../http/request-id.ts';

/** The documentation of parameters that no schema validates: the id in a path, and request headers. */

/** The id of the session in a path. */
export const sessionIdInPath = sessionIdSchema.meta({
	description: 'The session’s id.',
	param: { id: 'SessionId' },
});

const requestId = z
	.string()
	.max(128)
	.regex(REQUEST_ID)
	.optional()
	.meta({
		description:
			'The id of the request in responses and in the log. The service generates one when it is missing or invalid.',
		param: { id: 'RequestId' },
	});

const bookmark = z
	.string()
	.max(62)
	.optional()
	.meta({
		description: 'From an earlier response. A replica that is at least as recent may respond.',
		param: { id: 'Bookmark' },
	});

const entityTags = (id: string, description: string) =>
	z.string().max(8192).optional().meta({ description, param: { id } });

const idempotencyKey = z
	.string()
	.max(limits.idempotencyKey)
	.regex(IDEMPOTENCY_KEY)
	.optional()
	.meta({
		description:
			'Makes a retry safe: the same key with the same body returns the original response and creates nothing.',
		param: { id: 'IdempotencyKey' },
	});

const lastEventId = z
	.string()
	.max(34)
	.optional()
	.meta({
		description:
			'The id of the last event that the client has. A stream starts after it. A browser sends it when it reconnects. It takes precedence over `after`.',
		param: { id: 'LastEventId' },
	});

const conditionalHeaders: Record<ConditionalHeader, z.ZodType> = {
	'If-Match': entityTags(
		'IfMatch',
		'RFC 9110: the call takes effect only when one of these tags is current. Otherwise the response is a 412. A weak tag counts as its strong form.',
	),
	'If-None-Match': entityTags(
		'IfNoneMatch',
		'RFC 9110: when one of these tags is current, a read returns 304 and a write returns 412.',
	),
	'Idempotency-Key': idempotencyKey,
	'Last-Event-ID': lastEventId,
};

/** The headers of a request on sessions. A read may name a bookmark. */
export const requestHeaders = (conditional: readonly ConditionalHeader[], isRead: boolean) =>
	z.object({
		'X-Request-Id': requestId,
		...(isRead ? { 'X-D1-Bookmark': bookmark } : {}),
		...Object.fromEntries(conditional.map((name) => [name, conditionalHeaders[name]])),
	});

import * as z from 'zod';
import { limits } from '../core/limits.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import { sessionSchema } from '../sessions/schema.ts';

/** Arguments and results that several tools have. */

export const sessionId = sessionIdSchema.meta({ description: 'The id of the session: sess_…' });

/** Visible ASCII, because both become headers of a request. */
export const idempotencyKey = z
	.string()
	.max(limits.idempotencyKey)
	.regex(/^[\x21-\x7e]+$/, { error: 'must be visible ASCII characters' })
	.optional()
	.meta({
		description:
			'A name of your choice for this write. Repeating the call with the same key and content does nothing new and returns the first result, so send one to be able to retry safely.',
	});
export const ifMatch = z
	.string()
	.max(limits.name)
	.regex(/^[\x21-\x7e]+$/, { error: 'must be an etag' })
	.optional()
	.meta({
		description:
			'The etag of an earlier result, with its quotation marks. The write then only happens if the session has not changed since.',
	});

export const etag = z.string().meta({ description: 'Names the state of the session, for ifMatch.' });

/** What a language model needs of a session, without its large objects, and without its owner, who is always the same. */
export const summarySchema = sessionSchema.pick({
	catalogVersion: true,
	createdAt: true,
	expiresAt: true,
	id: true,
	productObjectHash: true,
	schemaVersion: true,
	status: true,
	updatedAt: true,
});
export const summaryFields = Object.keys(summarySchema.shape);

/** The part of a session that fits a result that nobody asked for its objects. */
export const summaryOf = (session: Readonly<Record<string, unknown>>): Record<string, unknown> =>
	Object.fromEntries(summaryFields.map((field) => [field, session[field]]));

/**
 * Before all sessions in the order of a list. A list after an id has no `total`, which no tool needs, and which reads an index entry for
 * each session of the caller.
 */
export const BEFORE_ALL = 'sess_7zzzzzzzzzzzzzzzzzzzzzzzzz';

import * as z from 'zod';
import { limits } from '../core/limits.ts';
import { JSON_TYPE, MERGE_PATCH_TYPE } from '../http/body.ts';
import type { Operation } from '../http/operation.ts';
import {
	deletedSchema,
	sessionDetailsSchema,
	sessionListSchema,
	sessionSchema,
	sparseDetailsSchema,
	sparseSessionListSchema,
} from './schema.ts';

/** The documentation of the calls on sessions for the OpenAPI document, and the permission that each call needs. */

export const list: Operation = {
	id: 'listSessions',
	tag: 'Sessions',
	summary: 'List sessions',
	description: [
		'The caller’s own live sessions, newest first.',
		'To read all of them, follow the `Link` header from page to page. The next page starts after the last session of this page, so sessions that are created or deleted meanwhile do not move the others. `offset` counts from the newest session at the time of the request, and costs one index entry for each skipped session.',
		'`fields` keeps large objects out of the response.',
	].join('\n\n'),
	permission: 'PRODUCTS:READ',
	responses: {
		200: {
			description: 'A page of sessions.',
			schema: z.union([sessionListSchema, sparseSessionListSchema]),
			next: true,
		},
	},
};

export const create: Operation = {
	id: 'createSession',
	tag: 'Sessions',
	summary: 'Create a session',
	description: `Starts a session in the status \`intake\`. A missing body is read as \`{}\`. \`prd\` may have at most ${limits.storedObject} bytes.`,
	permission: 'PRODUCTS:WRITE',
	headers: ['Idempotency-Key'],
	responses: { 201: { description: 'The new session.', schema: sessionSchema, etag: true } },
};

export const get: Operation = {
	id: 'getSession',
	tag: 'Sessions',
	summary: 'Read a session with its events',
	description: 'Returns the session with its latest 1,000 events, oldest first.',
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	headers: ['If-Match', 'If-None-Match'],
	responses: {
		200: {
			description: 'The session.',
			schema: z.union([sessionDetailsSchema, sparseDetailsSchema]),
			etag: true,
		},
		304: { description: 'The caller’s copy is current.', etag: true },
	},
};

export const update: Operation = {
	id: 'updateSession',
	tag: 'Sessions',
	summary: 'Update a session',
	description: [
		`As \`${JSON_TYPE}\`: replaces each field in the body as a whole, and leaves the other fields unchanged.`,
		`As \`${MERGE_PATCH_TYPE}\`: RFC 7396. Nested objects merge, \`null\` deletes a member, and \`null\` for a whole field clears it.`,
		'The response is the whole session, so the permission to write shows what is stored: `{}` as the body changes nothing and returns the session.',
		'A missing body is read as `{}`. Fields that are not defined here are ignored. The service computes `productObjectHash` when the body has a `productObject` without one: the SHA-256 of its RFC 8785 form, in lowercase hex. RFC 8785 covers neither lone surrogates nor numbers beyond the range of a double. Here a lone surrogate counts as its escape, such as `\\ud800`, and such a number as the nearest double.',
		`Each object may have at most ${limits.storedObject} bytes as JSON in UTF-8, and ${limits.nesting} levels.`,
	].join('\n\n'),
	permission: 'PRODUCTS:WRITE',
	headers: ['If-Match', 'If-None-Match'],
	responses: { 200: { description: 'The updated session.', schema: sessionSchema, etag: true } },
};

export const remove: Operation = {
	id: 'deleteSession',
	tag: 'Sessions',
	summary: 'Delete a session',
	description: 'Deletes the session and its events.',
	permission: 'PRODUCTS:DELETE',
	headers: ['If-Match', 'If-None-Match'],
	responses: { 200: { description: 'The session is deleted.', schema: deletedSchema } },
};

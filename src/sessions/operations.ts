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
		'To walk through all of them, follow the link in `Link` from page to page: it goes on after the last session of the page, so that sessions that come or go meanwhile move none of the others. `offset` counts from the newest at the time of the request, and reads an index entry for each session that it passes over.',
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
	description: `Starts a session in the status \`intake\`. No body counts as \`{}\`. \`prd\` takes at most ${limits.storedObject} bytes.`,
	permission: 'PRODUCTS:WRITE',
	headers: ['Idempotency-Key'],
	responses: { 201: { description: 'The new session.', schema: sessionSchema, etag: true } },
};

export const get: Operation = {
	id: 'getSession',
	tag: 'Sessions',
	summary: 'Read a session with its events',
	description: 'The session with its latest 1,000 events, the oldest of them first.',
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	headers: ['If-Match', 'If-None-Match'],
	responses: {
		200: {
			description: 'The session.',
			schema: z.union([sessionDetailsSchema, sparseDetailsSchema]),
			etag: true,
		},
		304: { description: 'What the caller has is current.', etag: true },
	},
};

export const update: Operation = {
	id: 'updateSession',
	tag: 'Sessions',
	summary: 'Update a session',
	description: [
		`As \`${JSON_TYPE}\`: replaces each field that is sent, whole, and leaves every other field as it was.`,
		`As \`${MERGE_PATCH_TYPE}\`: RFC 7396. Nested objects merge, \`null\` deletes a member, and \`null\` for a whole field clears it.`,
		'Fields that are not defined here are ignored. A `productObject` that comes without a `productObjectHash` gets one: SHA-256 of its RFC 8785 form, in lowercase hex.',
		`Each object takes at most ${limits.storedObject} bytes as JSON in UTF-8, ${limits.nesting} levels deep.`,
	].join('\n\n'),
	permission: 'PRODUCTS:WRITE',
	headers: ['If-Match', 'If-None-Match'],
	responses: { 200: { description: 'The session as it is now.', schema: sessionSchema, etag: true } },
};

export const remove: Operation = {
	id: 'deleteSession',
	tag: 'Sessions',
	summary: 'Delete a session',
	description: 'Deletes the session. Its events go with it.',
	permission: 'PRODUCTS:DELETE',
	headers: ['If-Match', 'If-None-Match'],
	responses: { 200: { description: 'The session is gone.', schema: deletedSchema } },
};

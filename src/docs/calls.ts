import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import type { ErrorCode } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { NeededPermission } from '../core/principal.ts';
import { SESSIONS_PATH } from '../core/session-reference.ts';
import { appendSchema, eventPageSchema, eventSchema, eventsQuerySchema } from '../events/schema.ts';
import { healthSchema } from '../health/schema.ts';
import { JSON_TYPE, MERGE_PATCH_TYPE } from '../http/body.ts';
import {
	createSchema,
	deletedSchema,
	listQuerySchema,
	mergePatchSchema,
	sessionDetailsSchema,
	sessionListSchema,
	sessionSchema,
	updateSchema,
} from '../sessions/schema.ts';
import {
	headersOfConditionalRead,
	headersOfConditionalWrite,
	headersOfRead,
	headersOfRepeatableWrite,
	idInPath,
} from './parameters.ts';
import {
	answerHeaders,
	databaseAnswer,
	errorAnswers,
	jsonAnswer,
	notModified,
	redirect,
	textAnswer,
} from './responses.ts';
import { documentSchema, indexSchema } from './schema.ts';

const { etag, replayed } = answerHeaders;
/** What any call with credentials can answer. */
const ALWAYS: ErrorCode[] = [
	'UNAUTHORIZED',
	'FORBIDDEN',
	'RATE_LIMITED',
	'INTERNAL_ERROR',
	'DATABASE_UNAVAILABLE',
];
const BODY: ErrorCode[] = ['INVALID_JSON', 'VALIDATION_ERROR', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

type Call = Omit<ZodOpenApiOperationObject, 'description'> & { description: string };

/** Adds what all calls on sessions have in common. */
const call = (
	needs: NeededPermission,
	errors: ErrorCode[],
	{ description, responses, ...operation }: Call,
): ZodOpenApiOperationObject => ({
	...operation,
	description: `${description}\n\nNeeds the permission \`${needs}\`.`,
	security: [{ apiKey: [] }, { clerkSession: [] }],
	responses: { ...responses, ...errorAnswers(...errors, ...ALWAYS) },
});

const sessionCalls: ZodOpenApiPathsObject = {
	[SESSIONS_PATH]: {
		get: call('PRODUCTS:READ', ['VALIDATION_ERROR'], {
			operationId: 'listSessions',
			tags: ['Sessions'],
			summary: 'List sessions',
			description: 'The caller’s own live sessions, newest first.',
			requestParams: { query: listQuerySchema, header: headersOfRead },
			responses: { 200: databaseAnswer('A page of sessions.', sessionListSchema) },
		}),
		post: call('PRODUCTS:WRITE', [...BODY, 'IDEMPOTENCY_KEY_REUSED'], {
			operationId: 'createSession',
			tags: ['Sessions'],
			summary: 'Create a session',
			description: `Starts a session in the status \`intake\`. No body counts as \`{}\`. \`prd\` takes at most ${limits.storedObject} bytes.`,
			requestParams: { header: headersOfRepeatableWrite },
			requestBody: { content: { [JSON_TYPE]: { schema: createSchema } } },
			responses: {
				201: databaseAnswer('The new session.', sessionSchema, {
					ETag: etag,
					'Idempotency-Replayed': replayed,
				}),
			},
		}),
	},
	[`${SESSIONS_PATH}/{id}`]: {
		get: call('PRODUCTS:READ', ['SESSION_NOT_FOUND'], {
			operationId: 'getSession',
			tags: ['Sessions'],
			summary: 'Read a session with its events',
			description: 'The session with its latest 1,000 events, the oldest of them first.',
			requestParams: { path: idInPath, header: headersOfConditionalRead },
			responses: {
				200: databaseAnswer('The session.', sessionDetailsSchema, { ETag: etag }),
				304: notModified,
			},
		}),
		patch: call('PRODUCTS:WRITE', [...BODY, 'SESSION_NOT_FOUND', 'PRECONDITION_FAILED'], {
			operationId: 'updateSession',
			tags: ['Sessions'],
			summary: 'Update a session',
			description: [
				`As \`${JSON_TYPE}\`: replaces each field that is sent, whole, and leaves every other field as it was.`,
				`As \`${MERGE_PATCH_TYPE}\`: RFC 7396. Nested objects merge, \`null\` deletes a member, and \`null\` for a whole field clears it.`,
				'Fields that are not defined here are ignored. A `productObject` that comes without a `productObjectHash` gets one: SHA-256 of its RFC 8785 form, in lowercase hex.',
				`Each object takes at most ${limits.storedObject} bytes as JSON in UTF-8, ${limits.nesting} levels deep.`,
			].join('\n\n'),
			requestParams: { path: idInPath, header: headersOfConditionalWrite },
			requestBody: {
				required: true,
				content: { [JSON_TYPE]: { schema: updateSchema }, [MERGE_PATCH_TYPE]: { schema: mergePatchSchema } },
			},
			responses: { 200: databaseAnswer('The session as it is now.', sessionSchema, { ETag: etag }) },
		}),
		delete: call('PRODUCTS:DELETE', ['SESSION_NOT_FOUND', 'PRECONDITION_FAILED'], {
			operationId: 'deleteSession',
			tags: ['Sessions'],
			summary: 'Delete a session',
			description: 'Deletes the session. Its events go with it.',
			requestParams: { path: idInPath, header: headersOfConditionalWrite },
			responses: { 200: databaseAnswer('The session is gone.', deletedSchema) },
		}),
	},
	[`${SESSIONS_PATH}/{id}/events`]: {
		get: call('PRODUCTS:READ', ['VALIDATION_ERROR', 'SESSION_NOT_FOUND'], {
			operationId: 'listEvents',
			tags: ['Events'],
			summary: 'Page through events',
			description:
				'All events of a session in their one order, the oldest first. To follow, ask again after the last one.',
			requestParams: { path: idInPath, query: eventsQuerySchema, header: headersOfRead },
			responses: { 200: databaseAnswer('A page of events.', eventPageSchema) },
		}),
		post: call('PRODUCTS:WRITE', [...BODY, 'SESSION_NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED'], {
			operationId: 'appendEvent',
			tags: ['Events'],
			summary: 'Append an event',
			description: `Adds an event to the end of the session’s log. \`payload\` takes at most ${limits.eventPayload} bytes.`,
			requestParams: { path: idInPath, header: headersOfRepeatableWrite },
			requestBody: { required: true, content: { [JSON_TYPE]: { schema: appendSchema } } },
			responses: { 201: databaseAnswer('The new event.', eventSchema, { 'Idempotency-Replayed': replayed }) },
		}),
	},
};

/** A call without credentials. */
const open = (
	{ responses, ...operation }: ZodOpenApiOperationObject,
	...errors: ErrorCode[]
): ZodOpenApiOperationObject => ({
	tags: ['Service'],
	...operation,
	security: [],
	responses: { ...responses, ...errorAnswers(...errors, 'INTERNAL_ERROR') },
});

const serviceCalls: ZodOpenApiPathsObject = {
	'/': {
		get: open({
			operationId: 'getIndex',
			summary: 'Where everything is',
			description: 'Links to the documentation, as JSON; a browser is sent to the reference page.',
			responses: {
				200: jsonAnswer('The links.', indexSchema),
				302: redirect('A browser is sent to the reference page.'),
			},
		}),
	},
	'/healthz': {
		get: open(
			{
				operationId: 'getHealth',
				summary: 'Whether the service works',
				description: 'Asks the database.',
				responses: { 200: databaseAnswer('The database answers.', healthSchema) },
			},
			'RATE_LIMITED',
			'DATABASE_UNAVAILABLE',
		),
	},
	'/openapi.json': {
		get: open({
			operationId: 'getOpenApi',
			summary: 'This document',
			description: 'OpenAPI 3.1, made from the schemas that validate.',
			responses: { 200: jsonAnswer('The document.', documentSchema) },
		}),
	},
	'/docs': {
		get: open({
			operationId: 'getDocs',
			summary: 'The reference page',
			description: 'For people: reads the document above, and makes calls.',
			responses: { 200: textAnswer('The page.', 'text/html') },
		}),
	},
	'/llms.txt': {
		get: open({
			operationId: 'getLlms',
			summary: 'An overview for language models',
			description: 'The calls in short, as Markdown.',
			responses: { 200: textAnswer('The overview.', 'text/plain') },
		}),
	},
	'/llms-full.txt': {
		get: open({
			operationId: 'getLlmsFull',
			summary: 'The reference for language models',
			description: 'The whole of this document, as Markdown.',
			responses: { 200: textAnswer('The reference.', 'text/plain') },
		}),
	},
};

/** Every call of the service, by path. */
export const paths: ZodOpenApiPathsObject = { ...sessionCalls, ...serviceCalls };

import * as z from 'zod';
import { validationError } from '../core/errors.ts';
import { versionSchema } from '../history/schema.ts';
import { MERGE_PATCH_TYPE } from '../http/body.ts';
import { sessionFields } from '../sessions/fields.ts';
import {
	createSchema,
	mergePatchSchema,
	type Session,
	type SessionList,
	sessionSchema,
	statusSchema,
} from '../sessions/schema.ts';
import { fittingMembers, MAX_ANSWER, partOf, valueAt } from './answer-size.ts';
import {
	BEFORE_ALL,
	etag,
	idempotencyKey,
	ifMatch,
	sessionId,
	summaryFields,
	summaryOf,
	summarySchema,
} from './arguments.ts';
import { tool } from './tool.ts';

const MAX_SESSIONS = 50;

const omitted = z
	.array(
		z.object({
			pointer: z.string().meta({ description: 'Pass it to get_session as `pointer`.' }),
			type: z.string(),
			characters: z.int(),
		}),
	)
	.meta({ description: 'What was left out because it is too large.' });

const listSessions = tool({
	name: 'list_sessions',
	title: 'List sessions',
	description:
		'Lists the sessions of this caller, newest first, without their large objects. Use it to find a session by its status or age. For the next page, pass nextAfter as after.',
	permission: 'PRODUCTS:READ',
	annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
	own: {
		status: statusSchema.optional(),
		limit: z.int().min(1).max(MAX_SESSIONS).default(20).meta({ description: 'Sessions on a page.' }),
		after: sessionId.optional().meta({ description: 'The nextAfter of the page before.' }),
	},
	output: z.object({
		sessions: z.array(summarySchema),
		nextAfter: sessionId.optional().meta({ description: 'Present if there are more sessions.' }),
	}),
	async run({ status, limit, after }, _, { rest }) {
		// One more than the page has, to know whether there are more.
		const query = {
			status,
			limit: String(limit + 1),
			after: after ?? BEFORE_ALL,
			fields: summaryFields.join(),
		};
		const { json } = await rest<SessionList>({ method: 'GET', query });
		const sessions = json.data.slice(0, limit);
		return { sessions, ...(json.data.length > limit ? { nextAfter: sessions.at(-1)?.id } : {}) };
	},
});

const namesNothing = (instead: string) =>
	validationError([
		{
			path: 'pointer',
			message: 'names nothing in this session',
			code: 'INVALID_FORMAT',
			suggestion: `Read ${instead}.`,
		},
	]);

const getSession = tool({
	name: 'get_session',
	title: 'Read a session',
	description: `Reads a session. By default without its large objects: name those that you need in fields (prd, plan, productObject, assemblyState). A result has at most ${MAX_ANSWER} characters: what does not fit is in omitted, and a call with its pointer reads that part alone. Events are read with list_events.`,
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
	own: {
		sessionId,
		fields: z
			.array(z.enum(sessionFields as [keyof Session]))
			.min(1)
			.max(sessionFields.length)
			.optional()
			.meta({ description: 'The fields to read.' }),
		version: versionSchema.optional().meta({
			description: 'Reads the session as it was at this version. list_versions has those that are kept.',
		}),
		pointer: z
			.string()
			.max(2000)
			.regex(/^\/[^/]/, { error: 'must be a JSON pointer that begins with a field' })
			.optional()
			.meta({
				description:
					'Reads one part instead: a JSON pointer (RFC 6901) such as /plan/steps/0. Not together with fields.',
			}),
		offset: z
			.int()
			.min(0)
			.default(0)
			.meta({ description: 'With pointer: where to begin in a long string. Pass nextOffset.' }),
	},
	output: z.object({
		etag,
		session: sessionSchema.partial(),
		value: z.unknown().optional().meta({ description: 'With pointer: the value, unless it is too large.' }),
		nextOffset: z.int().optional().meta({ description: 'A string goes on here.' }),
		omitted,
	}),
	async run({ sessionId, fields, version, pointer, offset }, _, { rest }) {
		if (pointer !== undefined) return readPart(pointer);
		const { session, etag } = await read(fields ?? summaryFields);
		const { fitting, omitted } = fittingMembers(session);
		return { etag, session: fitting, omitted };

		async function read(names: readonly string[]) {
			const query = { fields: names.join(), version: version?.toString() };
			const { json, etag } = await rest<Partial<Session>>({ method: 'GET', path: [sessionId], query });
			return { session: json, etag };
		}

		async function readPart(pointer: string) {
			const field = sessionFields.find((each) => pointer.startsWith(`/${each}/`) || pointer === `/${each}`);
			if (field === undefined) throw namesNothing(`one of ${sessionFields.join(', ')} first`);
			const { session, etag } = await read([field]);
			const value = valueAt(session, pointer);
			if (value === undefined) throw namesNothing(pointer.slice(0, pointer.lastIndexOf('/')));
			return { etag, session: {}, ...partOf(value, pointer, offset) };
		}
	},
});

const createSession = tool({
	name: 'create_session',
	title: 'Create a session',
	description:
		'Starts a session, which keeps the state of one product while it is built. It begins in the status intake. Continue with add_step.',
	permission: 'PRODUCTS:WRITE',
	annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
	own: { idempotencyKey },
	// fork_session begins from another session.
	passed: createSchema.omit({ from: true }).shape,
	output: z.object({ etag, session: summarySchema }),
	async run({ idempotencyKey }, body, { rest }) {
		const headers = { 'Idempotency-Key': idempotencyKey };
		const { json, etag } = await rest<Session>({ method: 'POST', headers, body });
		return { etag, session: summaryOf(json) };
	},
});

const updateSession = tool({
	name: 'update_session',
	title: 'Change a session',
	description:
		'Merges changes into a session (RFC 7396). Send only what changes: nested objects merge, null removes a member, and null for a whole object clears it. Arrays are replaced whole. To record what happened in the same write, use add_step.',
	permission: 'PRODUCTS:WRITE',
	annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
	own: { sessionId, ifMatch },
	passed: mergePatchSchema.shape,
	output: z.object({ etag, session: summarySchema }),
	async run({ sessionId, ifMatch }, body, { rest }) {
		const { json, etag } = await rest<Session>({
			method: 'PATCH',
			path: [sessionId],
			headers: { 'If-Match': ifMatch },
			body,
			mediaType: MERGE_PATCH_TYPE,
		});
		return { etag, session: summaryOf(json) };
	},
});

export const sessionTools = [listSessions, getSession, createSession, updateSession];

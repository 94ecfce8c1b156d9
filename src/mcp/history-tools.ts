import * as z from 'zod';
import { type VersionPage, versionPageSchema, versionSchema } from '../history/schema.ts';
import { changeableColumns } from '../sessions/fields.ts';
import { createSchema, type Session, statusSchema } from '../sessions/schema.ts';
import { etag, idempotencyKey, sessionId, summaryOf, summarySchema } from './arguments.ts';
import { tool } from './tool.ts';

const MAX_VERSIONS = 50;

const listVersions = tool({
	name: 'list_versions',
	title: 'List the versions of a session',
	description:
		'Lists what a session was before, newest first: each change made a version. Read one with get_session and its version, or go on from one with fork_session. While hasMore is true, pass nextBefore as before.',
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
	own: {
		sessionId,
		before: versionSchema.optional().meta({ description: 'Lists the versions before this one.' }),
		limit: z.int().min(1).max(MAX_VERSIONS).default(20).meta({ description: 'Versions on a page.' }),
	},
	output: z.object({
		versions: versionPageSchema(statusSchema, Object.keys(changeableColumns)).shape.data,
		hasMore: z.boolean(),
		nextBefore: versionSchema.optional(),
	}),
	async run({ sessionId, before, limit }, _, { rest }) {
		const query = { before: before?.toString(), limit: String(limit) };
		const { json } = await rest<VersionPage>({ method: 'GET', path: [sessionId, 'versions'], query });
		const last = json.data.at(-1)?.version;
		return {
			versions: json.data,
			hasMore: json.hasMore,
			...(json.hasMore && last !== undefined ? { nextBefore: last } : {}),
		};
	},
});

const forkSession = tool({
	name: 'fork_session',
	title: 'Fork a session',
	description:
		'Begins a new session with the status and the objects that another one has, or had at a version. The other one stays as it is. Use it to try something else from an earlier point. The other arguments replace what the new session takes over. Its log of events is empty.',
	permission: 'PRODUCTS:WRITE',
	annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
	own: {
		sessionId,
		version: versionSchema.optional().meta({ description: 'By default the current version.' }),
		idempotencyKey,
	},
	passed: createSchema.omit({ from: true }).shape,
	output: z.object({ etag, session: summarySchema }),
	async run({ sessionId, version, idempotencyKey }, body, { rest }) {
		const { json, etag } = await rest<Session>({
			method: 'POST',
			headers: { 'Idempotency-Key': idempotencyKey },
			body: { ...body, from: { sessionId, ...(version === undefined ? {} : { version }) } },
		});
		return { etag, session: summaryOf(json) };
	},
});

export const historyTools = [listVersions, forkSession];

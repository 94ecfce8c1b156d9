import { type Context, Hono } from 'hono';
import { limits } from '../core/limits.ts';
import { settingsOf } from '../core/settings.ts';
import { isFollowed, tellFollowers } from '../following/response.ts';
import { JSON_TYPE, jsonBody, MERGE_PATCH_TYPE, mediaTypeOf } from '../http/body.ts';
import { entityTag, ifMatchVersions, ifNoneMatchVersions } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { changesOf } from './changes.ts';
import { contentOf, createSession, newContent } from './create.ts';
import { deleteSession } from './delete-store.ts';
import { readVersion } from './details-store.ts';
import { expiryOf } from './expiry.ts';
import { sessionJson } from './json.ts';
import { changeNotice } from './live-state.ts';
import { checkNotRefused, checkVersion, type Versions } from './precondition.ts';
import type { SessionRow } from './row-store.ts';
import {
	createSchema,
	deletedSchema,
	mergePatchSchema,
	type Session,
	sessionSchema,
	updateSchema,
} from './schema.ts';
import { changeSession } from './update.ts';

const sessionResponse = <S extends 200 | 201>(row: SessionRow, status: S, headers?: Record<string, string>) =>
	jsonResponse<Session, S>(sessionJson(row), status, { ETag: entityTag(row.version), ...headers });

/**
 * The versions that the conditions of a write allow; undefined without a condition. If-None-Match costs a round trip,
 * and the write then takes effect only on the version that was read. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
async function writableVersions(c: Context<AppEnv>): Promise<Versions> {
	const admitted = ifMatchVersions(c.req.header('If-Match'));
	const refused = ifNoneMatchVersions(c.req.header('If-None-Match'));
	if (refused === undefined) return admitted;
	const { db, reference } = sessionFrom(c);
	const current = await readVersion(db, reference);
	checkNotRefused(current, refused);
	checkVersion(current, admitted);
	return [current.version];
}

/** The calls that create, change and delete sessions. */
export const sessionWriteRoutes = new Hono<AppEnv>({ strict: false })
	.post(
		'/',
		operation({
			id: 'createSession',
			tag: 'Sessions',
			summary: 'Create a session',
			description: [
				`Starts a session in the status \`intake\`. A missing body is read as \`{}\`. \`prd\` may have at most ${limits.storedObject} bytes.`,
				'With `from` the new session begins with the status, the objects and the versions of the catalog and the schema that another session of the caller has, or had at a version. Its log of events is empty.',
			].join('\n\n'),
			permission: 'PRODUCTS:WRITE',
			headers: ['Idempotency-Key'],
			errors: ['QUOTA_EXCEEDED', 'SESSION_NOT_FOUND', 'VERSION_NOT_FOUND'],
			responses: { 201: { description: 'The new session.', schema: sessionSchema, etag: true } },
		}),
		jsonBody({ [JSON_TYPE]: createSchema }, { absent: 'is {}' }),
		async (c) => {
			const content = newContent(c.req.valid('json'));
			const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), () => contentOf(content));
			const creator = {
				owner: c.get('principal'),
				// Absent where a request does not come through Cloudflare.
				location: (c.req.raw.cf as IncomingRequestCfProperties | undefined) ?? {},
				databases: c.get('databases'),
				settings: settingsOf(c.env),
			};
			const { session, isReplay } = await createSession(creator, content, idempotency);
			return sessionResponse(session, 201, isReplay ? { 'Idempotency-Replayed': 'true' } : {});
		},
	)

	.patch(
		'/:id',
		operation({
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
		}),
		jsonBody({ [JSON_TYPE]: updateSchema, [MERGE_PATCH_TYPE]: mergePatchSchema }, { absent: 'is {}' }),
		async (c) => {
			const mode = mediaTypeOf(c) === MERGE_PATCH_TYPE ? 'merge' : 'set';
			const fields = c.req.valid('json');
			const changes = changesOf(fields, mode);
			if (fields.ttlSeconds !== undefined) {
				const value = expiryOf(Date.now(), fields.ttlSeconds, settingsOf(c.env));
				changes.push({ column: 'expires_at', mode: 'set', value });
			}
			const versions = await writableVersions(c);
			const { db, reference } = sessionFrom(c);
			const row = await changeSession(db, reference, changes, versions, settingsOf(c.env).HISTORY_BYTES);
			if (row.tail !== null) tellFollowers(c, row.id, changeNotice(row, row.tail, changes));
			return sessionResponse(row, 200);
		},
	)

	.delete(
		'/:id',
		operation({
			id: 'deleteSession',
			tag: 'Sessions',
			summary: 'Delete a session',
			description: 'Deletes the session and its events.',
			permission: 'PRODUCTS:DELETE',
			headers: ['If-Match', 'If-None-Match'],
			responses: { 200: { description: 'The session is deleted.', schema: deletedSchema } },
		}),
		async (c) => {
			const versions = await writableVersions(c);
			const { db, reference } = sessionFrom(c);
			const deleted = await deleteSession(db, reference, versions);
			if (isFollowed(deleted.followed_until)) tellFollowers(c, reference.id, { kind: 'deleted' });
			return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
		},
	);

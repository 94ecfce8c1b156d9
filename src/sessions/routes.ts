import { type Context, Hono } from 'hono';
import { typeid } from 'typeid-js';
import { ApiError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sessionNotFound } from '../core/session-reference.ts';
import { settingsOf } from '../core/settings.ts';
import { JSON_TYPE, jsonBody, MERGE_PATCH_TYPE, mediaTypeOf } from '../http/body.ts';
import { entityTag, ifMatchVersions, ifNoneMatchVersions, matchesIfNoneMatch } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionRefFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import { tellFollowers } from '../live/follow.ts';
import type { SessionState } from '../live/frames.ts';
import { sessionJson } from './json.ts';
import * as operations from './operations.ts';
import { stale, unwrap } from './outcome.ts';
import {
	createSchema,
	EVENTS_IN_DETAILS,
	listQuerySchema,
	mergePatchSchema,
	type Session,
	type SessionDetails,
	type SessionList,
	updateSchema,
} from './schema.ts';
import {
	deleteSession,
	insertSession,
	listSessions,
	readSessionWithEvents,
	readVersion,
	type SessionRow,
} from './store.ts';
import { changesOf } from './update/changes.ts';
import { changeSession } from './update/update.ts';

const sessionResponse = <S extends 200 | 201>(row: SessionRow, status: S, headers?: Record<string, string>) =>
	jsonResponse<Session, S>(sessionJson(row), status, { ETag: entityTag(row.version), ...headers });

/**
 * The versions that the conditions of a write let through; undefined without a condition. If-None-Match costs a round trip,
 * and the write then takes effect on the version that was read, or not at all. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
async function writableVersions(c: Context<AppEnv>): Promise<readonly number[] | undefined> {
	const admitted = ifMatchVersions(c.req.header('If-Match'));
	const refused = ifNoneMatchVersions(c.req.header('If-None-Match'));
	if (refused === undefined) return admitted;
	const current = await readVersion(c.get('database'), sessionRefFrom(c));
	if (!current) throw sessionNotFound();
	const isRefused = refused === 'all' || refused.includes(current.version);
	if (isRefused || (admitted && !admitted.includes(current.version))) throw stale(current);
	return [current.version];
}

const isFollowed = ({ followed_until }: Pick<SessionRow, 'followed_until'>): boolean =>
	followed_until !== null && followed_until > new Date().toISOString();

/** A session's state, as far as its followers are told. */
const stateOf = (row: SessionRow): SessionState => ({
	id: row.id,
	status: row.status,
	version: row.version,
	expiresAt: row.expires_at,
	updatedAt: row.updated_at,
});

/** The calls on sessions. */
export const sessionRoutes = new Hono<AppEnv>({ strict: false })
	.get('/', operation(operations.list), validateQuery(listQuerySchema), async (c) => {
		const { limit, offset, status } = c.req.valid('query');
		const owner = c.get('principal');
		const now = new Date().toISOString();
		const { rows, total } = await listSessions(c.get('database'), { owner, now, status, limit, offset });
		const data = rows.map((row) => sessionJson(row)).join(',');
		return jsonResponse<SessionList, 200>(
			`{"data":[${data}],"pagination":${JSON.stringify({ limit, offset, total })}}`,
			200,
		);
	})

	.post(
		'/',
		operation(operations.create),
		jsonBody({ [JSON_TYPE]: createSchema }, { absent: 'is {}' }),
		async (c) => {
			const fields = c.req.valid('json');
			const prd = fields.prd ? textOrTooLarge(fields.prd, 'prd', limits.storedObject) : null;
			const catalogVersion = fields.catalogVersion ?? null;
			const schemaVersion = fields.schemaVersion ?? null;
			const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), [
				catalogVersion,
				schemaVersion,
				prd,
			]);
			const now = Date.now();
			const session = {
				id: typeid('sess').toString(),
				owner: c.get('principal'),
				catalogVersion,
				schemaVersion,
				prd,
				createdAt: new Date(now).toISOString(),
				expiresAt: new Date(now + settingsOf(c.env).SESSION_TTL_SECONDS * 1000).toISOString(),
			};
			const { row, fingerprint } = await insertSession(c.get('database'), session, idempotency);
			if (row.id === session.id) return sessionResponse(row, 201);
			if (fingerprint !== idempotency?.fingerprint) {
				throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was sent with another body.');
			}
			// The session may have changed since. What both requests hold makes the first response again.
			const first: SessionRow = {
				...row,
				status: 'intake',
				catalog_version: catalogVersion,
				schema_version: schemaVersion,
				prd,
				plan: null,
				product_object: null,
				product_object_hash: null,
				assembly_state: null,
				version: 1,
				updated_at: row.created_at,
			};
			return sessionResponse(first, 201, { 'Idempotency-Replayed': 'true' });
		},
	)

	.get('/:id', operation(operations.get), async (c) => {
		const found = await readSessionWithEvents(c.get('database'), sessionRefFrom(c), EVENTS_IN_DETAILS);
		if (!found) throw sessionNotFound();
		const { session, events } = found;
		const latestEvent = events.at(-1)?.position;
		const tag = entityTag(session.version, latestEvent);
		const admitted = ifMatchVersions(c.req.header('If-Match'));
		if (admitted && !admitted.includes(session.version)) {
			throw stale({ version: session.version, latestEvent: latestEvent ?? 0 });
		}
		if (matchesIfNoneMatch(c.req.header('If-None-Match'), tag)) {
			return new Response(null, { status: 304, headers: { ETag: tag } }) as never;
		}
		return jsonResponse<SessionDetails, 200>(sessionJson(session, events), 200, { ETag: tag });
	})

	.patch(
		'/:id',
		operation(operations.update),
		jsonBody({ [JSON_TYPE]: updateSchema, [MERGE_PATCH_TYPE]: mergePatchSchema }),
		async (c) => {
			const mode = mediaTypeOf(c) === MERGE_PATCH_TYPE ? 'merge' : 'set';
			const changes = changesOf(c.req.valid('json'), mode);
			const versions = await writableVersions(c);
			const row = await changeSession(c.get('database'), sessionRefFrom(c), changes, versions);
			if (isFollowed(row)) tellFollowers(c, row.id, { kind: 'state', state: stateOf(row) });
			return sessionResponse(row, 200);
		},
	)

	.delete('/:id', operation(operations.remove), async (c) => {
		const versions = await writableVersions(c);
		const reference = sessionRefFrom(c);
		const deleted = unwrap(await deleteSession(c.get('database'), reference, versions));
		if (isFollowed(deleted)) tellFollowers(c, reference.id, { kind: 'deleted' });
		return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
	});

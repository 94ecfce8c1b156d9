import { type Context, Hono } from 'hono';
import { validationError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { placementOf } from '../core/placement.ts';
import { newSessionId } from '../core/session-id.ts';
import { sessionNotFound } from '../core/session-reference.ts';
import { type Settings, settingsOf } from '../core/settings.ts';
import { areWhole } from '../database/in-batches.ts';
import { stateOf } from '../events/following/followed.ts';
import { eventsJson } from '../events/json.ts';
import { wholeEvents } from '../events/read/store.ts';
import { JSON_TYPE, jsonBody, MERGE_PATCH_TYPE, mediaTypeOf } from '../http/body.ts';
import { entityTag, ifMatchVersions, ifNoneMatchVersions, knownTags } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyKeyReused, idempotencyOf } from '../http/idempotency.ts';
import { enclosed, jsonResponse, jsonStream } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import { tellFollowers } from '../live/follow.ts';
import { databaseOfKey } from './create/store.ts';
import { isFollowed } from './followers.ts';
import { sessionJson, sessionJsonParts, sessionsJsonParts } from './json.ts';
import * as operations from './operations.ts';
import { stale, unwrap } from './outcome.ts';
import { listPage } from './read/list.ts';
import { type ListQuery, readDetails } from './read/store.ts';
import {
	createSchema,
	detailsFields,
	detailsQuerySchema,
	EVENTS_IN_DETAILS,
	listQuerySchema,
	mergePatchSchema,
	type Session,
	type SessionDetails,
	type SessionList,
	sessionFields,
	updateSchema,
} from './schema.ts';
import { deleteSession, insertSession, readVersion, type SessionRow } from './store.ts';
import { changesOf } from './update/changes.ts';
import { changeSession } from './update/update.ts';

const sessionResponse = <S extends 200 | 201>(row: SessionRow, status: S, headers?: Record<string, string>) =>
	jsonResponse<Session, S>(sessionJson(row), status, { ETag: entityTag(row.version), ...headers });

/**
 * The versions that the conditions of a write allow; undefined without a condition. If-None-Match costs a round trip,
 * and the write then takes effect only on the version that was read. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
async function writableVersions(c: Context<AppEnv>): Promise<readonly number[] | undefined> {
	const admitted = ifMatchVersions(c.req.header('If-Match'));
	const refused = ifNoneMatchVersions(c.req.header('If-None-Match'));
	if (refused === undefined) return admitted;
	const { db, reference } = sessionFrom(c);
	const current = await readVersion(db, reference);
	if (!current) throw sessionNotFound();
	const isRefused = refused === 'all' || refused.includes(current.version);
	if (isRefused || (admitted && !admitted.includes(current.version))) throw stale(current);
	return [current.version];
}

/**
 * The expiry of a lifetime that starts at `from`, in epoch milliseconds: after `ttlSeconds`, or by default after the
 * lifetime in the settings. Throws VALIDATION_ERROR when `ttlSeconds` exceeds the settings' maximum.
 */
function expiryOf(from: number, ttlSeconds: number | undefined, settings: Settings): string {
	const most = settings.SESSION_TTL_MAX_SECONDS;
	if (ttlSeconds !== undefined && ttlSeconds > most) {
		throw validationError([{ path: 'ttlSeconds', message: `must be at most ${most}`, code: 'OUT_OF_RANGE' }]);
	}
	return new Date(from + (ttlSeconds ?? settings.SESSION_TTL_SECONDS) * 1000).toISOString();
}

/**
 * The number of the database for a new session: near the caller, or where an earlier create with the same Idempotency-Key went,
 * which takes a round trip to DB while further databases are bound. Throws VALIDATION_ERROR for a life that is too long.
 */
async function databaseForNew(
	c: Context<AppEnv>,
	ttlSeconds: number | undefined,
	key: string | undefined,
): Promise<number> {
	const settings = settingsOf(c.env);
	const owner = c.get('principal');
	// Absent where a request does not come through Cloudflare.
	const cf = c.req.raw.cf as IncomingRequestCfProperties | undefined;
	const placement = await placementOf(settings.PLACEMENT, owner, cf ?? {});
	const databases = c.get('databases');
	if (key === undefined || databases.numbers.length === 1) return placement;
	const now = Date.now();
	// Opened apart, so that the response's bookmark is that of the session's database.
	return databaseOfKey(databases.anew(0), {
		owner,
		key,
		placement,
		bound: databases.numbers,
		now: new Date(now).toISOString(),
		expiresAt: expiryOf(now, ttlSeconds, settings),
	});
}

/**
 * The Link (RFC 8288) to the page after the session `after`, with the other parameters of this page's query. `limit` is that
 * of the page, which is smaller than a limit that was too large.
 */
function nextLink(pageUrl: string, limit: number, after: string): string {
	const url = new URL(pageUrl);
	if (url.searchParams.has('limit')) url.searchParams.set('limit', String(limit));
	const kept = Array.from(url.searchParams).filter(([name]) => ['limit', 'status', 'fields'].includes(name));
	url.search = new URLSearchParams([...kept, ['after', after]]).toString();
	return `<${url.href}>; rel="next"`;
}

/** The calls on sessions. */
export const sessionRoutes = new Hono<AppEnv>({ strict: false })
	.get('/', operation(operations.list), validateQuery(listQuerySchema), async (c) => {
		const { limit, offset = 0, after, status, fields = sessionFields } = c.req.valid('query');
		const query: ListQuery = {
			owner: c.get('principal'),
			now: new Date().toISOString(),
			fields,
			status,
			limit,
			from: after === undefined ? { offset } : { after },
		};
		const databases = c.get('databases');
		const all = databases.numbers.map((number) => databases.numbered(number));
		const { rows, total, next, whole } = await listPage(all, query);
		const pagination = JSON.stringify(
			total === undefined ? { limit, hasMore: next !== undefined } : { limit, offset, total },
		);
		const headers = next === undefined ? {} : { Link: nextLink(c.req.url, limit, next) };
		if (areWhole(rows)) {
			const data = rows.map((row) => sessionJson(row, fields)).join(',');
			return jsonResponse<SessionList, 200>(`{"data":[${data}],"pagination":${pagination}}`, 200, headers);
		}
		const data = sessionsJsonParts(whole(), fields);
		return jsonStream<SessionList>(c, enclosed('{"data":', data, `,"pagination":${pagination}}`), headers);
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
				...(fields.ttlSeconds === undefined ? [] : [String(fields.ttlSeconds)]),
			]);
			const owner = c.get('principal');
			const number = await databaseForNew(c, fields.ttlSeconds, idempotency?.key);
			const { id, createdAt } = newSessionId(number);
			const session = {
				id,
				owner,
				catalogVersion,
				schemaVersion,
				prd,
				createdAt: new Date(createdAt).toISOString(),
				expiresAt: expiryOf(createdAt, fields.ttlSeconds, settingsOf(c.env)),
			};
			const { row, fingerprint } = await insertSession(
				c.get('databases').numbered(number),
				session,
				idempotency,
			);
			if (row.id === session.id) return sessionResponse(row, 201);
			if (fingerprint !== idempotency?.fingerprint) throw idempotencyKeyReused();
			// The session may have changed since. The content of the request, which is the same in both, gives the
			// first response again.
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
				expires_at: expiryOf(Date.parse(row.created_at), fields.ttlSeconds, settingsOf(c.env)),
			};
			return sessionResponse(first, 201, { 'Idempotency-Replayed': 'true' });
		},
	)

	.get('/:id', operation(operations.get), validateQuery(detailsQuerySchema), async (c) => {
		const { fields = detailsFields } = c.req.valid('query');
		const { db, reference } = sessionFrom(c);
		const found = await readDetails(db, reference, {
			fields: fields.filter((field) => field !== 'events'),
			maxEvents: fields.includes('events') ? EVENTS_IN_DETAILS : undefined,
			knownTags: knownTags(c.req.header('If-None-Match')),
		});
		if (!found) throw sessionNotFound();
		const { session, events, latestEvent, isKnown } = found;
		const admitted = ifMatchVersions(c.req.header('If-Match'));
		if (admitted && !admitted.includes(session.version)) {
			throw stale({ version: session.version, latestEvent });
		}
		const headers = { ETag: entityTag(session.version, latestEvent) };
		if (isKnown) return new Response(null, { status: 304, headers }) as never;
		if (areWhole(events)) {
			return jsonResponse<SessionDetails, 200>(
				sessionJson(session, fields, eventsJson(events)),
				200,
				headers,
			);
		}
		const parts = sessionJsonParts(session, fields, wholeEvents(db, reference, events));
		return jsonStream<SessionDetails>(c, parts, headers);
	})

	.patch(
		'/:id',
		operation(operations.update),
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
			const row = await changeSession(db, reference, changes, versions);
			if (isFollowed(row)) tellFollowers(c, row.id, { kind: 'state', state: stateOf(row) });
			return sessionResponse(row, 200);
		},
	)

	.delete('/:id', operation(operations.remove), async (c) => {
		const versions = await writableVersions(c);
		const { db, reference } = sessionFrom(c);
		const deleted = unwrap(await deleteSession(db, reference, versions));
		if (isFollowed(deleted)) tellFollowers(c, reference.id, { kind: 'deleted' });
		return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
	});

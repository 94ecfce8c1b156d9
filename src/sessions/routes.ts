import { type Context, Hono } from 'hono';
import { limits } from '../core/limits.ts';
import { settingsOf } from '../core/settings.ts';
import { areWhole } from '../database/in-batches.ts';
import { eventsJson } from '../events/json.ts';
import { wholeEvents } from '../events/read-store.ts';
import { isFollowed, tellFollowers } from '../following/response.ts';
import { JSON_TYPE, jsonBody, MERGE_PATCH_TYPE, mediaTypeOf } from '../http/body.ts';
import { entityTag, ifMatchVersions, ifNoneMatchVersions, knownTags } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { enclosed, jsonResponse, jsonStream } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { changesOf } from './changes.ts';
import { contentOf, createSession, newContent } from './create.ts';
import { deleteSession } from './delete-store.ts';
import { readDetails, readPastDetails, readVersion } from './details-store.ts';
import { expiryOf } from './expiry.ts';
import { detailsFields, sessionFields } from './fields.ts';
import { sessionJson, sessionJsonParts, sessionsJsonParts } from './json.ts';
import { listPage } from './list.ts';
import { changeNotice } from './live-state.ts';
import { checkNotRefused, checkVersion, type Versions } from './precondition.ts';
import type { SessionRow } from './row-store.ts';
import {
	createSchema,
	deletedSchema,
	detailsQuerySchema,
	EVENTS_IN_DETAILS,
	listQuerySchema,
	mergePatchSchema,
	type Session,
	type SessionDetails,
	type SessionList,
	sessionDetailsSchema,
	sessionListSchema,
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

/**
 * One schema for both forms of a response. As a union of a whole and a sparse form, each field of each generated type would
 * be optional.
 */
const SCHEMA_WITHOUT_FIELDS =
	'The schema is that of a response without `fields`. With it, a session has only the requested fields, so a tool that checks responses against this document must not send it.';

/** The calls on sessions. */
export const sessionRoutes = new Hono<AppEnv>({ strict: false })
	.get(
		'/',
		operation({
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
					description: `A page of sessions. ${SCHEMA_WITHOUT_FIELDS}`,
					schema: sessionListSchema,
					next: true,
				},
			},
		}),
		validateQuery(listQuerySchema),
		async (c) => {
			const { limit, offset, after, status, fields = sessionFields } = c.req.valid('query');
			const databases = c.get('databases');
			const { rows, total, next, loaded } = await listPage(databases.numbers.map(databases.at), {
				owner: c.get('principal'),
				now: new Date().toISOString(),
				fields,
				status,
				limit,
				from: after === undefined ? { offset } : { after },
			});
			const pagination = JSON.stringify(
				total === undefined ? { limit, hasMore: next !== undefined } : { limit, offset, total },
			);
			const headers = next === undefined ? {} : { Link: nextLink(c.req.url, limit, next) };
			if (areWhole(rows)) {
				const data = rows.map((row) => sessionJson(row, fields)).join(',');
				return jsonResponse<SessionList, 200>(`{"data":[${data}],"pagination":${pagination}}`, 200, headers);
			}
			const data = sessionsJsonParts(loaded(), fields);
			return jsonStream<SessionList>(c, enclosed('{"data":', data, `,"pagination":${pagination}}`), headers);
		},
	)

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
			const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), contentOf(content));
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

	.get(
		'/:id',
		operation({
			id: 'getSession',
			tag: 'Sessions',
			summary: 'Read a session with its events',
			description: [
				'Returns the session with its latest 1,000 events, oldest first.',
				'With `version` it returns the session as it was at that version, with the events that had happened when the version began. Such a response never changes. A 404 VERSION_NOT_FOUND means that the version is not kept.',
			].join('\n\n'),
			errors: ['VERSION_NOT_FOUND'],
			permission: 'PRODUCTS:READ',
			forSessionKeys: true,
			headers: ['If-Match', 'If-None-Match'],
			responses: {
				200: {
					description: `The session. ${SCHEMA_WITHOUT_FIELDS}`,
					schema: sessionDetailsSchema,
					etag: true,
				},
				304: { description: 'The caller’s copy is current.', etag: true },
			},
		}),
		validateQuery(detailsQuerySchema),
		async (c) => {
			const { fields = detailsFields, version: past } = c.req.valid('query');
			const { db, reference } = sessionFrom(c);
			const query = {
				fields: fields.filter((field) => field !== 'events'),
				maxEvents: fields.includes('events') ? EVENTS_IN_DETAILS : undefined,
				knownTags: knownTags(c.req.header('If-None-Match')),
			};
			const found =
				past === undefined
					? await readDetails(db, reference, query)
					: await readPastDetails(
							db,
							reference,
							{ ...query, version: past },
							settingsOf(c.env).HISTORY_BYTES,
						);
			const { session, events, latestEvent, isKnown } = found;
			const { version } = session;
			checkVersion({ version, latestEvent }, ifMatchVersions(c.req.header('If-Match')));
			const headers = { ETag: entityTag(version, latestEvent) };
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

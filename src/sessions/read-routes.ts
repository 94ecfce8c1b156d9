import { Hono } from 'hono';
import { settingsOf } from '../core/settings.ts';
import { areWhole } from '../database/in-batches.ts';
import { eventsJson } from '../events/json.ts';
import { wholeEvents } from '../events/read-store.ts';
import { entityTag, ifMatchVersions, knownTags } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { enclosed, jsonResponse, jsonStream } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { readDetails, readPastDetails } from './details-store.ts';
import { detailsFields, sessionFields } from './fields.ts';
import { sessionJson, sessionJsonParts, sessionsJsonParts } from './json.ts';
import { listPage } from './list.ts';
import { checkVersion } from './precondition.ts';
import {
	detailsQuerySchema,
	EVENTS_IN_DETAILS,
	listQuerySchema,
	type SessionDetails,
	type SessionList,
	sessionDetailsSchema,
	sessionListSchema,
} from './schema.ts';

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

/** The calls that read sessions. */
export const sessionReadRoutes = new Hono<AppEnv>({ strict: false })
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
	);

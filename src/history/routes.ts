import { Hono } from 'hono';
import type { ZodType } from 'zod';
import { settingsOf } from '../core/settings.ts';
import { entityTag } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { readVersions, type VersionRow } from './list-store.ts';
import { type VersionPage, versionPageSchema, versionsQuerySchema } from './schema.ts';

/** What the list of versions needs to know of sessions. */
interface SessionParts {
	statusSchema: ZodType<string>;
	/** The columns of the fields that can change, by field, in the order of the wire. */
	columnOf: Readonly<Record<string, string>>;
}

const versionJson = (
	{ after_event, changed, status, updated_at, version }: VersionRow,
	columnOf: SessionParts['columnOf'],
) => {
	const columns = changed?.split(',') ?? [];
	return {
		afterEvent: after_event,
		changed: Object.entries(columnOf).flatMap(([field, column]) => (columns.includes(column) ? [field] : [])),
		etag: entityTag(version),
		status,
		updatedAt: updated_at,
		version,
	};
};

/** The calls on the versions of one session, mounted under the session's path. */
export const versionRoutes = ({ statusSchema, columnOf }: SessionParts) =>
	new Hono<AppEnv>({ strict: false }).get(
		'/',
		operation({
			id: 'listVersions',
			tag: 'Sessions',
			summary: 'List the versions of a session',
			description: [
				'Each change of a session makes a version. The page has the kept ones, newest first, and the current one among them.',
				'To read one of them, read the session with `version`. To read the next page, send the last `version` of this page as `before`.',
			].join('\n\n'),
			permission: 'PRODUCTS:READ',
			forSessionKeys: true,
			responses: {
				200: {
					description: 'A page of versions.',
					schema: versionPageSchema(statusSchema, Object.keys(columnOf)),
				},
			},
		}),
		validateQuery(versionsQuerySchema),
		async (c) => {
			const { before, limit } = c.req.valid('query');
			const { db, reference } = sessionFrom(c);
			const historyBytes = settingsOf(c.env).HISTORY_BYTES;
			// Read one more than requested, to know whether there are more.
			const found = await readVersions(db, reference, { before, max: limit + 1, historyBytes });
			const page = {
				data: found.slice(0, limit).map((row) => versionJson(row, columnOf)),
				hasMore: found.length > limit,
			};
			return jsonResponse<VersionPage, 200>(JSON.stringify(page), 200);
		},
	);

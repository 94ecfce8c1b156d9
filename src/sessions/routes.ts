import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { typeid } from 'typeid-js';
import { needs } from '../auth/authenticate.ts';
import { ApiError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sessionNotFound, thisSession } from '../core/session-reference.ts';
import { settingsOf } from '../core/settings.ts';
import { JSON_TYPE, jsonBody, MERGE_PATCH_TYPE } from '../http/body.ts';
import { admittedVersions, entityTag, noneMatchNames } from '../http/conditional.ts';
import { type AppEnv, requestDatabase } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonAnswer } from '../http/json-response.ts';
import { parsed, validate } from '../http/validate.ts';
import { textWithin } from '../json/json-text.ts';
import { sessionJson } from './json.ts';
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
	type SessionRow,
} from './store.ts';
import { changesOf } from './update/changes.ts';
import { mergeSession, replaceInSession, stale } from './update/update.ts';

const sessionAnswer = <S extends 200 | 201>(row: SessionRow, status: S, headers?: Record<string, string>) =>
	jsonAnswer<Session, S>(sessionJson(row), status, { ETag: entityTag(row.version), ...headers });

/** PATCH by RFC 7396; leaves plain JSON to the next handler. */
const mergePatch = createMiddleware<AppEnv>(async (c, next) => {
	if (c.get('mediaType') !== MERGE_PATCH_TYPE) return next();
	const fields = parsed(mergePatchSchema, await c.req.json());
	const changes = changesOf(fields, 'merge');
	const versions = admittedVersions(c.req.header('If-Match'));
	return sessionAnswer(await mergeSession(requestDatabase(c), thisSession(c), changes, versions), 200);
});

/** The calls on sessions. */
export const sessionRoutes = new Hono<AppEnv>({ strict: false })
	.get('/', needs('PRODUCTS:READ'), validate('query', listQuerySchema), async (c) => {
		const { limit, offset, status } = c.req.valid('query');
		const owner = c.get('principal');
		const now = new Date().toISOString();
		const { rows, total } = await listSessions(requestDatabase(c), { owner, now, status, limit, offset });
		const data = rows.map((row) => sessionJson(row)).join(',');
		return jsonAnswer<SessionList, 200>(
			`{"data":[${data}],"pagination":${JSON.stringify({ limit, offset, total })}}`,
			200,
		);
	})

	.post(
		'/',
		needs('PRODUCTS:WRITE'),
		jsonBody({ mediaTypes: [JSON_TYPE], absent: 'is {}' }),
		validate('json', createSchema),
		async (c) => {
			const fields = c.req.valid('json');
			const prd = fields.prd ? textWithin(fields.prd, 'prd', limits.storedObject) : null;
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
			const { row, fingerprint } = await insertSession(requestDatabase(c), session, idempotency);
			if (row.id === session.id) return sessionAnswer(row, 201);
			if (fingerprint !== idempotency?.fingerprint) {
				throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was sent with another body.');
			}
			// The session may have changed since; the first answer is made again from what both requests hold.
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
			return sessionAnswer(first, 201, { 'Idempotency-Replayed': 'true' });
		},
	)

	.get('/:id', needs('PRODUCTS:READ'), async (c) => {
		const found = await readSessionWithEvents(requestDatabase(c), thisSession(c), EVENTS_IN_DETAILS);
		if (!found) throw sessionNotFound();
		const { session, events } = found;
		const tag = entityTag(session.version, events.at(-1)?.number);
		if (noneMatchNames(c.req.header('If-None-Match'), tag)) {
			return new Response(null, { status: 304, headers: { ETag: tag } }) as never;
		}
		return jsonAnswer<SessionDetails, 200>(sessionJson(session, events), 200, { ETag: tag });
	})

	.patch(
		'/:id',
		needs('PRODUCTS:WRITE'),
		jsonBody({ mediaTypes: [JSON_TYPE, MERGE_PATCH_TYPE] }),
		mergePatch,
		validate('json', updateSchema),
		async (c) => {
			const changes = changesOf(c.req.valid('json'), 'set');
			const versions = admittedVersions(c.req.header('If-Match'));
			return sessionAnswer(
				await replaceInSession(requestDatabase(c), thisSession(c), changes, versions),
				200,
			);
		},
	)

	.delete('/:id', needs('PRODUCTS:DELETE'), async (c) => {
		const outcome = await deleteSession(
			requestDatabase(c),
			thisSession(c),
			admittedVersions(c.req.header('If-Match')),
		);
		if (outcome.is === 'missing') throw sessionNotFound();
		if (outcome.is === 'stale') throw stale(outcome);
		return jsonAnswer<{ success: true }, 200>('{"success":true}', 200);
	});

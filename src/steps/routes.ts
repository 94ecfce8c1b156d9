import { Hono } from 'hono';
import { limits } from '../core/limits.ts';
import { settingsOf } from '../core/settings.ts';
import { newEvents, stateOf } from '../events/follow.ts';
import { eventsJson } from '../events/json.ts';
import { contentOf, newEvent } from '../events/new-event.ts';
import { isFollowed, tellFollowers } from '../following/response.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import { entityTag, ifMatchVersions } from '../http/conditional.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { type Change, changesOf } from '../sessions/changes.ts';
import { sessionJson } from '../sessions/json.ts';
import { changeNotice } from '../sessions/live-state.ts';
import { type StepResponse, stepResponseSchema, stepSchema } from './schema.ts';
import { addStep, type StepResult } from './step.ts';

/** A replay tells the followers too, because the first attempt may have failed before it did. */
function noticesOf({ events, session, isReplay }: StepResult, changes: readonly Change[]) {
	const tail = events.at(-1)?.position ?? 0;
	const change = changes.length === 0 ? undefined : changeNotice(session, tail, changes);
	return [newEvents(events), isReplay ? ({ kind: 'state', state: stateOf(session) } as const) : change];
}

/** The call that adds a step to a session, mounted under the session's path. */
export const stepRoutes = new Hono<AppEnv>({ strict: false }).post(
	'/',
	operation({
		id: 'addStep',
		tag: 'Sessions',
		summary: 'Add a step: what happened and what changed',
		description: [
			`Appends 1 to ${limits.eventsOfStep} events and merges a patch into the session, in one transaction: both take effect, or neither.`,
			'`patch` is a merge patch (RFC 7396) of the fields of an update. Without one, the session and its ETag do not change.',
			'With an `Idempotency-Key`, a retry returns the original events and the current session, whatever `If-Match` says.',
		].join('\n\n'),
		permission: 'PRODUCTS:WRITE',
		headers: ['If-Match', 'Idempotency-Key'],
		errors: ['QUOTA_EXCEEDED'],
		responses: {
			201: {
				description: 'The events, and the updated session.',
				schema: stepResponseSchema,
				etag: true,
			},
		},
	}),
	jsonBody({ [JSON_TYPE]: stepSchema }),
	async (c) => {
		const { events: sent, patch } = c.req.valid('json');
		const events = sent.map((fields, at) => newEvent(fields, `events.${at}.payload`));
		const changes = changesOf(patch ?? {}, 'merge');
		const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), () => [
			'step',
			JSON.stringify(events.map(contentOf)),
			JSON.stringify(changes.map(({ column, value }) => [column, value])),
		]);
		const versions = ifMatchVersions(c.req.header('If-Match'));
		const { db, reference } = sessionFrom(c);
		const settings = settingsOf(c.env);
		const done = await addStep(
			db,
			reference,
			{ events, changes, idempotency, quota: settings, historyBytes: settings.HISTORY_BYTES },
			versions,
		);
		if (isFollowed(done.session.followed_until)) tellFollowers(c, reference.id, ...noticesOf(done, changes));
		return jsonResponse<StepResponse, 201>(
			`{"events":${eventsJson(done.events)},"session":${sessionJson(done.session)}}`,
			201,
			{
				ETag: entityTag(done.session.version),
				...(done.isReplay ? { 'Idempotency-Replayed': 'true' } : {}),
			},
		);
	},
);

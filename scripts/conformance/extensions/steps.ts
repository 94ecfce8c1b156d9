import { needing, type Probe, pathOf, writing } from '../check.ts';
import {
	expectEqual,
	expectError,
	expectSameText,
	expectStatus,
	expectTrue,
	isObject,
	type JsonObject,
} from '../expect.ts';
import { merge } from '../merge.ts';
import { Members, readJson } from '../ordered-json.ts';
import type { Answer } from '../server.ts';
import { etagOf, exactly, exactText, idsOf, sessionText } from './answers.ts';
import { expectReplay, newKey } from './idempotency.ts';
import { PATCH, TARGET } from './merge-patch.ts';

/** Sends a step. */
export const stepIn = (
	{ send }: Probe,
	id: string,
	step: unknown,
	headers: Record<string, string> = {},
): Promise<Answer> =>
	send('POST', {
		path: `${pathOf(id)}/steps`,
		headers,
		...(typeof step === 'string' ? { raw: step } : { body: step }),
	});

/** The events and the session of a step's response. */
function madeBy(answer: Answer): { events: JsonObject[]; session: JsonObject } {
	const { events, session } = expectStatus(answer, 201);
	const { request } = answer;
	expectTrue(Array.isArray(events) && events.every(isObject), `${request}: events must be events`);
	expectTrue(isObject(session), `${request}: session must be a session`);
	return { events: events as JsonObject[], session: session as JsonObject };
}

const details = async ({ send }: Probe, id: string) =>
	expectStatus(await send('GET', { path: pathOf(id) }), 200);

/** Events and a change in one transaction. */
export const stepsChecks = [
	writing(
		'steps.answer',
		'extensions: steps.answer',
		'a step returns its events and the session after it, with its ETag',
		async (probe) => {
			const id = await probe.create();
			const sent = [
				{ type: 'a', payload: { n: 1 } },
				{ type: 'b', message: 'm', stage: 's' },
			];
			const answer = await stepIn(probe, id, { events: sent, patch: { status: 'generating' } });
			const { events, session } = madeBy(answer);
			expectEqual(
				events.map(({ type, message, stage, payload }) => [type, message, stage, payload]),
				[
					['a', null, null, { n: 1 }],
					['b', 'm', 's', {}],
				],
				'type, message, stage, payload of the events',
			);
			expectEqual(session.status, 'generating', 'status');
			const { events: stored, ...after } = await details(probe, id);
			expectEqual(stored, events, 'the events in details');
			expectEqual(after, session, 'the session in details');
			const update = await probe.send('PATCH', { path: pathOf(id), body: {} });
			expectEqual(etagOf(answer), etagOf(update), 'the ETag of the step');
		},
	),

	writing(
		'steps.patch',
		'extensions: steps.patch',
		'the patch of a step merges by RFC 7396',
		async (probe) => {
			const id = await probe.create();
			await stepIn(probe, id, `{"events":[{"type":"a"}],"patch":{"plan":${TARGET},"prd":{"a":1}}}`);
			const answer = await stepIn(
				probe,
				id,
				`{"events":[{"type":"b"}],"patch":{"plan":${PATCH},"prd":null}}`,
			);
			const { session } = madeBy(answer);
			expectEqual(session.prd, null, 'prd');
			const exact = exactly(answer, 201).get('session');
			const plan = exact instanceof Members ? exact.get('plan') : undefined;
			// The first patch is itself merged into nothing.
			const target = merge(null, readJson(TARGET));
			expectSameText(exactText(plan), exactText(merge(target, readJson(PATCH))), 'plan');
		},
	),

	writing(
		'steps.only-events',
		'extensions: steps.patch',
		'a step without a patch leaves the session as it is',
		async (probe) => {
			const id = await probe.create();
			const { events: _, ...before } = await details(probe, id);
			expectEqual(
				madeBy(await stepIn(probe, id, { events: [{ type: 'a' }] })).session,
				before,
				'the session',
			);
		},
	),

	writing(
		'steps.whole',
		'extensions: steps.whole',
		'a step that is refused leaves nothing behind',
		async (probe) => {
			const id = await probe.create();
			const before = await details(probe, id);
			for (const step of [
				{ events: [{ type: 'a' }, { type: '' }], patch: { status: 'failed' } },
				{ events: [{ type: 'a' }], patch: { status: 'nonsense' } },
				{ events: [], patch: { status: 'failed' } },
				{ events: Array(101).fill({ type: 'a' }) },
				{ patch: { status: 'failed' } },
			]) {
				expectError(await stepIn(probe, id, step), 400, 'VALIDATION_ERROR');
			}
			expectEqual(await details(probe, id), before, 'details');
		},
	),

	needing(
		['conditional'],
		writing(
			'steps.if-match',
			'extensions: steps.if-match',
			'a step with a stale If-Match gets a 412 and leaves nothing behind',
			async (probe) => {
				const id = await probe.create();
				const stale = { 'If-Match': etagOf(await probe.send('GET', { path: pathOf(id) })) };
				const step = (status: string) => ({ events: [{ type: 'a' }], patch: { status } });
				madeBy(await stepIn(probe, id, step('generating'), stale));
				expectError(await stepIn(probe, id, step('failed'), stale), 412, 'PRECONDITION_FAILED');
				const { events, status } = await details(probe, id);
				expectEqual([idsOf(events).length, status], [1, 'generating'], 'number of events, status');
			},
		),
	),

	writing(
		'steps.places',
		'extensions: steps.places',
		'the events of one step are not separated by those of another',
		async (probe) => {
			const id = await probe.create();
			const writers = [0, 1, 2, 3];
			const steps = await Promise.all(
				writers.map((n) => stepIn(probe, id, { events: Array(3).fill({ type: `writer${n}` }) })),
			);
			const byStep = steps.map((answer) => idsOf(madeBy(answer).events));
			const stored = idsOf((await details(probe, id)).events);
			for (const ids of byStep) {
				const from = stored.indexOf(ids[0]);
				expectEqual(stored.slice(from, from + 3), ids, 'the events of a step in details');
			}
		},
	),

	needing(
		['idempotency'],
		writing(
			'steps.retry',
			'extensions: steps.retry',
			'a step that is repeated returns the same events and the session as it is now',
			async (probe) => {
				const id = await probe.create();
				const headers = newKey();
				const body = { events: [{ type: 'a' }], patch: { plan: { a: 1 } } };
				const { events } = madeBy(await stepIn(probe, id, body, headers));
				const changed = await probe.send('PATCH', { path: pathOf(id), body: { status: 'failed' } });
				const again = await stepIn(probe, id, body, headers);
				expectReplay(again);
				expectEqual(madeBy(again).events, events, 'the events of the repetition');
				const now = exactly(again, 201).get('session');
				expectSameText(
					now instanceof Members ? sessionText(now) : 'nothing',
					sessionText(exactly(changed)),
					'the session of the repetition',
				);
				expectEqual(idsOf((await details(probe, id)).events), idsOf(events), 'the events in details');
				const other = { ...body, patch: { plan: { a: 2 } } };
				expectError(await stepIn(probe, id, other, headers), 422, 'IDEMPOTENCY_KEY_REUSED');
			},
		),
	),
];

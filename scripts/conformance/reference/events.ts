import { pathOf, writing } from '../check.ts';
import { expectEqual } from '../expect.ts';
import { expectDetails, expectEvent } from './shapes.ts';

const APPEND = {
	type: 'progress',
	stage: 'generation',
	message: 'Generating flow capabilities...',
	payload: { step: 2, totalSteps: 5 },
};

/** Appending events, and reading them with their session. */
export const eventChecks = [
	writing(
		'append.example',
		'reference: calls.append.example',
		'appending returns 201 and an event with the values of the example',
		async ({ send, create }) => {
			const id = await create();
			const answer = await send('POST', { path: `${pathOf(id)}/events`, body: APPEND });
			const { type, stage, message, payload, sessionId } = expectEvent(answer);
			expectEqual({ type, stage, message, payload }, APPEND, `${answer.request}: the event`);
			expectEqual(sessionId, id, `${answer.request}: sessionId`);
		},
	),

	writing(
		'append.type-only',
		'reference: calls.append.body',
		'an event needs only its type',
		async ({ send, create }) => {
			const answer = await send('POST', { path: `${pathOf(await create())}/events`, body: { type: 't' } });
			expectEqual(expectEvent(answer).type, 't', `${answer.request}: type`);
		},
	),

	writing(
		'details.log',
		'reference: calls.details.answers.200',
		'details contain the events that were appended',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const appended = new Map<unknown, string>();
			for (const type of ['a', 'b', 'c']) {
				const { id } = expectEvent(await send('POST', { path: `${path}/events`, body: { ...APPEND, type } }));
				appended.set(id, type);
			}
			expectEqual(appended.size, 3, 'the number of ids of three events');
			// There may be others: the document does not say that only its callers append events.
			const { events } = expectDetails(await send('GET', { path }));
			const found = new Map(events.map(({ id, type }) => [id, type]));
			for (const [id, type] of appended) {
				expectEqual(found.get(id), type, 'the type in details of an event that was appended');
			}
		},
	),
];

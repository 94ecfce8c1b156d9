import { type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue } from '../expect.ts';
import type { Answer } from '../server.ts';
import { exactTextOf, idsOf } from './answers.ts';

export const newKey = (): Record<string, string> => ({ 'Idempotency-Key': crypto.randomUUID() });

/** Throws a Deviation unless a response is that of an earlier request, and says so. */
export function expectReplay(answer: Answer): void {
	expectEqual(answer.headers.get('Idempotency-Replayed'), 'true', `${answer.request}: Idempotency-Replayed`);
}

function expectFirst(answer: Answer): void {
	expectEqual(answer.headers.get('Idempotency-Replayed'), null, `${answer.request}: Idempotency-Replayed`);
}

const create = async ({ send, remember }: Probe, body: unknown, headers: Record<string, string>) =>
	remember(await send('POST', { body, headers }));

/** Retries with an Idempotency-Key. */
export const idempotencyChecks = [
	writing(
		'idempotency.create',
		'extensions: idempotency.replay',
		'a create that is repeated returns the first session',
		async (probe) => {
			const headers = newKey();
			const first = await create(probe, { prd: { a: 1 } }, headers);
			expectStatus(first, 201);
			expectFirst(first);
			const again = await create(probe, { prd: { a: 1 } }, headers);
			expectStatus(again, 201);
			expectReplay(again);
			expectEqual(exactTextOf(again.text), exactTextOf(first.text), 'the second response');
		},
	),

	writing(
		'idempotency.append',
		'extensions: idempotency.replay',
		'an append that is repeated returns the first event, and appends none',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const headers = newKey();
			const append = () => send('POST', { path: `${path}/events`, body: { type: 'note' }, headers });
			const first = await append();
			expectStatus(first, 201);
			expectFirst(first);
			const again = await append();
			expectStatus(again, 201);
			expectReplay(again);
			expectEqual(exactTextOf(again.text), exactTextOf(first.text), 'the second response');
			const { events } = expectStatus(await send('GET', { path }), 200);
			expectEqual(idsOf(events), idsOf([first.json]), 'the events of the session');
		},
	),

	writing(
		'idempotency.at-once',
		'extensions: idempotency.at-once',
		'creates at the same time with one key make one session',
		async (probe) => {
			const headers = newKey();
			const answers = await Promise.all([1, 2, 3, 4].map(() => create(probe, {}, headers)));
			const ids = answers.map((answer) => expectStatus(answer, 201).id);
			expectEqual(new Set(ids).size, 1, 'the number of sessions');
		},
	),

	writing(
		'idempotency.reused',
		'extensions: idempotency.reused',
		'a key with another body gets a 422, and nothing is written',
		async (probe) => {
			const headers = newKey();
			expectStatus(await create(probe, { prd: { a: 1 } }, headers), 201);
			const other = await create(probe, { prd: { a: 2 } }, headers);
			expectError(other, 422, 'IDEMPOTENCY_KEY_REUSED');
			const path = pathOf(await probe.create());
			const append = (type: string) =>
				probe.send('POST', { path: `${path}/events`, body: { type }, headers: { ...headers } });
			expectStatus(await append('a'), 201);
			expectError(await append('b'), 422, 'IDEMPOTENCY_KEY_REUSED');
			const { events } = expectStatus(await probe.send('GET', { path }), 200);
			expectEqual(idsOf(events).length, 1, 'the number of events');
		},
	),

	writing(
		'idempotency.scope',
		'extensions: idempotency.scope',
		'the key of an append belongs to its session',
		async ({ send, create }) => {
			const headers = newKey();
			const ids: unknown[] = [];
			for (const id of [await create(), await create()]) {
				const path = `${pathOf(id)}/events`;
				const event = expectStatus(await send('POST', { path, body: { type: 'note' }, headers }), 201);
				expectEqual(event.sessionId, id, 'sessionId');
				ids.push(event.id);
			}
			expectTrue(ids[0] !== ids[1], 'both sessions have one event');
		},
	),

	writing(
		'idempotency.form',
		'extensions: idempotency.form',
		'a key of more than 255 characters gets a 400',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const append = (characters: number) =>
				send('POST', {
					path: `${path}/events`,
					body: { type: 'note' },
					headers: { 'Idempotency-Key': 'k'.repeat(characters) },
				});
			expectStatus(await append(255), 201);
			expectError(await append(256), 400, 'VALIDATION_ERROR');
		},
	),
];

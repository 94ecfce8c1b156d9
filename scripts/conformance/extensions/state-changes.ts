import { needing, writing } from '../check.ts';
import { expectEqual, expectSameText, expectStatus, expectTrue, type JsonObject } from '../expect.ts';
import { Members } from '../ordered-json.ts';
import { etagOf, exactly, exactText, idsOf, sessionText } from './answers.ts';
import { append } from './frames.ts';
import { expectHeld, newHeld, replace } from './holding.ts';
import { mergeInto, PATCH, TARGET } from './merge-patch.ts';
import { stepIn } from './steps.ts';

/** The characters of a large text. */
const LARGE = 300_000;
const large = `{"text":"é\\"${'x'.repeat(LARGE)}"}`;

/** Live state: each kind of change. */
export const stateChangesChecks = [
	writing(
		'state.replaces',
		'extensions: state.exact',
		'a replaced object has the order of members and the digits of numbers that were sent',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			for (const field of ['assemblyState', 'plan', 'productObject']) {
				await expectHeld(probe, id, held, await replace(probe, id, `{"${field}":${TARGET}}`));
				await expectHeld(probe, id, held, await replace(probe, id, `{"${field}":{"2":2.0,"1":-0,"a":{}}}`));
			}
		},
	),

	needing(
		['merge-patch'],
		writing(
			'state.merges',
			'extensions: state.exact',
			'a merge with deletions and nested nulls leads to the stored session',
			async (probe) => {
				const { id, held } = await newHeld(probe);
				for (const field of ['assemblyState', 'plan', 'prd', 'productObject']) {
					await expectHeld(probe, id, held, await replace(probe, id, `{"${field}":${TARGET}}`));
					await expectHeld(probe, id, held, await mergeInto(probe, id, `{"${field}":${PATCH}}`));
				}
			},
		),
	),

	needing(
		['merge-patch'],
		writing(
			'state.clears',
			'extensions: state.fields',
			'a field that is cleared arrives as null',
			async (probe) => {
				const { id, held } = await newHeld(probe, { prd: { a: 1 } });
				await expectHeld(probe, id, held, await mergeInto(probe, id, '{"plan":{"b":1}}'));
				await expectHeld(probe, id, held, await mergeInto(probe, id, '{"prd":null,"plan":null}'));
				await expectHeld(probe, id, held, await mergeInto(probe, id, '{"prd":{"c":{"d":null}}}'));
			},
		),
	),

	writing('state.status', 'extensions: state.fields', 'a new status arrives', async (probe) => {
		const { id, held } = await newHeld(probe);
		for (const status of ['generating', 'complete']) {
			await expectHeld(probe, id, held, await replace(probe, id, `{"status":"${status}"}`));
			expectTrue(held.text().includes(`"status":"${status}"`), `the status is not ${status}`);
		}
	}),

	needing(
		['hash'],
		writing(
			'state.hash',
			'extensions: state.fields',
			'the hash of a product object arrives with it',
			async (probe) => {
				const { id, held } = await newHeld(probe);
				await expectHeld(probe, id, held, await replace(probe, id, '{"productObject":{"a":1}}'));
				expectTrue(!held.text().includes('"productObjectHash":null'), 'productObjectHash is null');
				const raw = '{"productObject":{"a":2},"productObjectHash":"its own"}';
				await expectHeld(probe, id, held, await replace(probe, id, raw));
			},
		),
	),

	needing(
		['ttl'],
		writing('state.ttl', 'extensions: state.fields', 'a new life arrives as expiresAt', async (probe) => {
			const { id, held } = await newHeld(probe);
			for (const seconds of [600, 7200]) {
				await expectHeld(probe, id, held, await replace(probe, id, `{"ttlSeconds":${seconds}}`));
			}
		}),
	),

	writing(
		'state.events-first',
		'extensions: state.events-first',
		'a change comes after the events that were appended before it',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			for (const status of ['generating', 'complete', 'failed']) {
				const { id: event } = JSON.parse(await append(probe, id)) as JsonObject;
				await expectHeld(probe, id, held, await replace(probe, id, `{"status":"${status}"}`));
				expectEqual(held.events.at(-1), event, `the last event before the status ${status}`);
			}
			expectEqual(held.events.length, 3, 'the number of events');
		},
	),

	needing(
		['steps'],
		writing(
			'state.step',
			'extensions: state.events-first',
			'a step arrives as its events, then its change',
			async (probe) => {
				const { id, held } = await newHeld(probe);
				const patch = `{"status":"generating","plan":${PATCH}}`;
				const answer = await stepIn(probe, id, `{"events":[{"type":"a"},{"type":"b"}],"patch":${patch}}`);
				const made = exactly(answer, 201);
				await held.until(etagOf(answer));
				expectEqual(held.events, idsOf(expectStatus(answer, 201).events), 'the events before the change');
				const session = made.get('session');
				expectSameText(
					held.text(),
					session instanceof Members ? sessionText(session) : exactText(session),
					'the session after the step',
				);
			},
		),
	),

	writing(
		'state.large',
		'extensions: state.large',
		'a large change leads to the stored session',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			const raw = `{"plan":${large},"assemblyState":${large}}`;
			await expectHeld(probe, id, held, await replace(probe, id, raw));
			await expectHeld(probe, id, held, await replace(probe, id, '{"assemblyState":{"a":1}}'));
		},
	),

	needing(
		['merge-patch'],
		writing(
			'state.proportion',
			'extensions: state.proportion',
			'a small merge into a large object comes as a small frame',
			async (probe) => {
				const { id, held } = await newHeld(probe);
				await expectHeld(probe, id, held, await replace(probe, id, `{"plan":${large}}`));
				const before = held.frames.length;
				for (let n = 0; n < 3; n += 1) {
					await expectHeld(probe, id, held, await mergeInto(probe, id, `{"plan":{"n":${n}}}`));
				}
				const smallest = Math.min(...held.frames.slice(before).map(({ characters }) => characters));
				expectTrue(smallest < LARGE / 10, `the smallest of three frames has ${smallest} characters`);
			},
		),
	),
];

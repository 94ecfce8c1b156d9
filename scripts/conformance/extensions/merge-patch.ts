import { type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectSameText, expectStatus, pathsOf } from '../expect.ts';
import { merge } from '../merge.ts';
import { readJson } from '../ordered-json.ts';
import { MERGE_PATCH, OBJECT_FIELDS } from '../values.ts';
import { exactly, exactText } from './answers.ts';

/** Merges a text of JSON into a session. */
export const mergeInto = ({ send }: Probe, id: string, raw: string) =>
	send('PATCH', { path: pathOf(id), raw, contentType: MERGE_PATCH });

/** An object, and a patch of it with every rule of RFC 7396. JavaScript's own objects would reorder and round both. */
export const TARGET =
	'{"b":{"x":1.0,"y":2},"a":[1],"c":{"k":1},"__proto__":{"p":1},"10":"ten","2":"two","gone":{"deep":[]}}';
export const PATCH =
	'{"b":{"x":null,"z":{"gone":null,"kept":1e400}},"a":{"n":null},"c":["text"],"2":null,"__proto__":{"q":{"r":null},"p":1.50},"gone":null,"1":{}}';

/** Merge patches. */
export const mergePatchChecks = [
	writing(
		'merge-patch.merges',
		'extensions: merge-patch.merges',
		'a merge patch changes nested members and deletes those that are null',
		async (probe) => {
			const expected = exactText(merge(readJson(TARGET), readJson(PATCH)));
			for (const field of OBJECT_FIELDS) {
				const id = await probe.create();
				const path = pathOf(id);
				expectStatus(await probe.send('PATCH', { path, raw: `{"${field}":${TARGET}}` }), 200);
				const merged = exactly(await mergeInto(probe, id, `{"${field}":${PATCH}}`));
				expectSameText(exactText(merged.get(field)), expected, `${field} in the response`);
				const stored = exactly(await probe.send('GET', { path }));
				expectSameText(exactText(stored.get(field)), expected, `${field} in details`);
			}
		},
	),

	writing(
		'merge-patch.clears',
		'extensions: merge-patch.clears',
		'null clears a whole field, but not the status',
		async (probe) => {
			const id = await probe.create({ prd: { a: 1 } });
			const { prd } = expectStatus(await mergeInto(probe, id, '{"prd":null}'), 200);
			expectEqual(prd, null, 'prd');
			const error = expectError(await mergeInto(probe, id, '{"status":null}'), 400, 'VALIDATION_ERROR');
			expectEqual(pathsOf(error), ['status'], 'paths of the details');
		},
	),

	writing(
		'merge-patch.atomic',
		'extensions: merge-patch.atomic',
		'patches at the same time of different members all survive',
		async (probe) => {
			const id = await probe.create();
			const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
			const answers = await Promise.all(
				numbers.map((n) => mergeInto(probe, id, `{"plan":{"writer${n}":${n}}}`)),
			);
			for (const answer of answers) expectStatus(answer, 200);
			const { plan } = expectStatus(await probe.send('GET', { path: pathOf(id) }), 200);
			const expected = Object.fromEntries(numbers.map((n) => [`writer${n}`, n]));
			expectEqual(plan, expected, 'plan');
		},
	),
];

import { pathOf, writing } from '../check.ts';
import {
	Deviation,
	expectEqual,
	expectSameText,
	expectStatus,
	expectTrue,
	type JsonObject,
} from '../expect.ts';
import type { Answer } from '../server.ts';
import { etagOf, exactly, idsOf, sessionText } from './answers.ts';
import { append, dataOf, frameOf } from './frames.ts';
import { details, expectHeld, holding, kindsOf, newHeld, replace } from './holding.ts';
import { TARGET } from './merge-patch.ts';

/** Live state: what a stream has, and when. */
export const stateChecks = [
	writing(
		'state.snapshot',
		'extensions: state.snapshot',
		'a stream has the stored events, then the whole session',
		async (probe) => {
			const id = await probe.create({ prd: { a: 1 } });
			const answer = await replace(probe, id, `{"plan":${TARGET},"status":"generating"}`);
			await append(probe, id);
			await append(probe, id);
			const held = await holding(probe, id);
			expectEqual(kindsOf(held), ['event', 'event', 'snapshot'], 'the first frames');
			const { events } = expectStatus(await details(probe, id), 200);
			expectEqual(held.events, idsOf(events), 'the events');
			await expectHeld(probe, id, held, answer);
		},
	),

	writing(
		'state.chain',
		'extensions: state.chain',
		'changes follow one another, and lead to the session of each ETag',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			const answers: Answer[] = [];
			for (let n = 0; n < 8; n += 1) answers.push(await replace(probe, id, `{"plan":{"n":${n}}}`));
			for (const answer of answers) {
				await held.until(etagOf(answer));
				expectSameText(held.text(), sessionText(exactly(answer)), `the session at ${held.etag()}`);
			}
			// A server may send a snapshot in place of a change, but not always.
			expectTrue(kindsOf(held).includes('change'), 'none of eight small changes came as a change');
		},
	),

	writing(
		'state.resumes',
		'extensions: state.resumes',
		'a stream that resumes has the missed events, then a snapshot',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			await append(probe, id);
			while (held.events.length === 0) await held.next();
			await held.stream.leave();
			const { id: missed } = JSON.parse(await append(probe, id)) as JsonObject;
			const answer = await replace(probe, id, '{"status":"failed"}');
			const lastEventId = held.events.at(-1) ?? '';
			const resumed = await holding(probe, id, { lastEventId });
			expectEqual(kindsOf(resumed), ['event', 'snapshot'], 'the first frames');
			expectEqual(resumed.events, [missed], 'the missed events');
			await expectHeld(probe, id, resumed, answer);
		},
	),

	writing(
		'state.writers',
		'extensions: state.chain',
		'several writers at once lead to the stored session, at each ETag that a response has',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			const returned = new Map<string, string>();
			const fields = ['assemblyState', 'plan', 'productObject', 'assemblyState'];
			const writers = Promise.all(
				fields.map(async (field, writer) => {
					for (let n = 0; n < 6; n += 1) {
						const answer = await replace(probe, id, `{"${field}":{"writer":${writer},"n":${n}.0}}`);
						returned.set(etagOf(answer), sessionText(exactly(answer)));
						if (n % 2 === 0) await append(probe, id, '{"type":"a"}');
					}
				}),
			);
			const seen = new Map<string, string>();
			const last = writers.then(() => replace(probe, id, '{"status":"complete"}'));
			let isOver = false;
			const reading = (async () => {
				while (!isOver) {
					await held.next();
					seen.set(held.etag() ?? '', held.text());
					isOver ||= held.text().includes('"status":"complete"');
				}
			})();
			// No writer goes on after the check.
			await Promise.allSettled([last, reading]);
			await reading;
			await expectHeld(probe, id, held, await last);
			const compared = [...seen].filter(([etag]) => returned.has(etag));
			expectTrue(compared.length > 0, 'no frame has an ETag of a response');
			for (const [etag, text] of compared) {
				expectSameText(text, returned.get(etag) ?? '', `the session at ${etag}`);
			}
		},
	),

	writing(
		'state.apart',
		'extensions: state.apart',
		'session frames are only in a stream without state=true',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			const plain = await probe.follow(id);
			dataOf(plain, await frameOf(plain), 'session');
			const answer = await replace(probe, id, '{"status":"failed"}');
			dataOf(plain, await frameOf(plain), 'session');
			// A session frame in this stream is a deviation.
			await expectHeld(probe, id, held, answer);
			await append(probe, id);
			while (held.events.length === 0) await held.next();
		},
	),

	writing(
		'state.end',
		'extensions: state.end',
		'a stream of the state ends with an end frame too',
		async (probe) => {
			const { id, held } = await newHeld(probe);
			expectStatus(await probe.send('DELETE', { path: pathOf(id) }), 200);
			const frame = await held.stream.next();
			if (!frame) throw new Deviation('the stream closed without an end frame');
			expectEqual(dataOf(held.stream, frame, 'end'), { reason: 'deleted' }, 'the data of the end frame');
		},
	),
];

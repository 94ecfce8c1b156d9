import { pathOf, reading, writing } from '../check.ts';
import {
	expectEqual,
	expectError,
	expectSameText,
	expectStatus,
	expectTrue,
	type JsonObject,
} from '../expect.ts';
import { type Following, refusedStream } from '../stream.ts';
import { etagOf, exactTextOf, idsOf } from './answers.ts';
import { append, caughtUp, dataOf, eventIn, frameOf, idIn, stateIn } from './frames.ts';

/** Following a session. */
export const followingChecks = [
	writing(
		'following.opening',
		'extensions: following.opening',
		'a stream is text/event-stream, and begins with retry',
		async (probe) => {
			const stream = await probe.follow(await probe.create());
			expectTrue(
				/^text\/event-stream\b/.test(stream.headers.get('Content-Type') ?? ''),
				'the Content-Type is not text/event-stream',
			);
			expectEqual(await stream.retry(), 2000, 'retry before the first frame');
		},
	),

	writing(
		'following.stored',
		'extensions: following.events',
		'a stream begins with the stored events, in order, then has the state',
		async (probe) => {
			const id = await probe.create();
			const events = [
				await append(probe, id),
				await append(probe, id, '{"type":"b"}'),
				await append(probe, id),
			];
			const stream = await probe.follow(id);
			for (const event of events) {
				expectSameText(exactTextOf(await eventIn(stream)), exactTextOf(event), 'an event of the stream');
			}
			await stateIn(stream);
		},
	),

	writing(
		'following.live',
		'extensions: following.events',
		'each new event arrives once, in order, as the append returned it',
		async (probe) => {
			const id = await probe.create();
			const { stream } = await caughtUp(probe, id, 0);
			const events = [
				await append(probe, id),
				await append(probe, id, '{"type":"b"}'),
				await append(probe, id),
			];
			for (const event of events) {
				expectSameText(exactTextOf(await eventIn(stream)), exactTextOf(event), 'an event of the stream');
			}
		},
	),

	writing(
		'following.cursor',
		'extensions: following.cursor',
		'a stream begins after the event in Last-Event-ID, or else in after',
		async (probe) => {
			const id = await probe.create();
			const events: string[] = [];
			for (let n = 0; n < 3; n += 1) events.push(idIn(await append(probe, id)));
			const [first = '', second = '', third = ''] = events;
			for (const [following, expected] of [
				[{ after: first }, [second, third]],
				[{ lastEventId: second }, [third]],
				[{ lastEventId: third }, []],
				[{ after: first, lastEventId: second }, [third]],
			] satisfies [Following, string[]][]) {
				const stream = await probe.follow(id, following);
				for (const event of expected) expectEqual(idIn(await eventIn(stream)), event, 'the next event');
				await stateIn(stream);
				await stream.leave();
			}
		},
	),

	writing(
		'following.unknown-cursor',
		'extensions: following.unknown-cursor',
		'a cursor that is no event of the session gets a 400',
		async (probe) => {
			const stranger = idIn(await append(probe, await probe.create()));
			const id = await probe.create();
			await append(probe, id);
			for (const following of [{ after: stranger }, { lastEventId: stranger }, { after: 'nonsense' }]) {
				const answer = await refusedStream(probe.server, pathOf(id), following);
				expectError(answer, 400, 'VALIDATION_ERROR');
			}
		},
	),

	reading(
		'following.missing',
		'extensions: following.missing',
		'the stream of a missing session is a 404 in JSON',
		async ({ server }) => {
			const answer = await refusedStream(server, '/sess_00000000000000000000000000', {});
			expectError(answer, 404, 'SESSION_NOT_FOUND');
		},
	),

	writing(
		'following.state',
		'extensions: following.state',
		'each state that arrives is the newest, and the last one arrives',
		async (probe) => {
			const id = await probe.create();
			const path = pathOf(id);
			const { stream, state } = await caughtUp(probe, id, 0);
			const first = expectStatus(await probe.send('GET', { path }), 200);
			const summary = ({ expiresAt, id: name, status, updatedAt }: JsonObject) => ({
				expiresAt,
				id: name,
				status,
				updatedAt,
			});
			expectEqual(summary(state), summary(first), 'the first state');
			const states = new Map<string, JsonObject>();
			const update = async (status: string) => {
				const answer = await probe.send('PATCH', { path, body: { status } });
				states.set(etagOf(answer), expectStatus(answer, 200));
			};
			let seen = 0;
			const readToLast = async () => {
				const order = [String(state.etag), ...states.keys()];
				while (seen < order.length - 1) {
					const { etag, ...rest } = await stateIn(stream);
					const at = order.indexOf(String(etag));
					expectTrue(at > seen, `the state ${etag} came after ${order[seen]}`);
					expectEqual(rest, summary(states.get(String(etag)) ?? {}), `the state ${etag}`);
					seen = at;
				}
			};
			await update('generating');
			await readToLast();
			for (const status of ['assembling', 'complete', 'failed', 'intake']) await update(status);
			await readToLast();
		},
	),

	writing(
		'following.gapless',
		'extensions: following.events',
		'a stream that is cut and resumed has every event of several writers once, in order',
		async (probe) => {
			const id = await probe.create();
			const writers = Promise.all(
				[0, 1, 2, 3].map(async () => {
					for (let n = 0; n < 5; n += 1) await append(probe, id);
				}),
			);
			const seen: string[] = [];
			try {
				while (seen.length < 20) {
					const lastEventId = seen.at(-1);
					const stream = await probe.follow(id, lastEventId === undefined ? {} : { lastEventId });
					const until = Math.min(20, seen.length + 7);
					while (seen.length < until) {
						const frame = await frameOf(stream);
						if (frame.event === 'event') seen.push(String(frame.id));
					}
					await stream.leave();
				}
			} finally {
				await writers;
			}
			const { events } = expectStatus(await probe.send('GET', { path: pathOf(id) }), 200);
			expectEqual(seen, idsOf(events), 'the events of the streams');
		},
	),

	writing(
		'following.end',
		'extensions: following.end',
		'a stream ends with an end frame when the session is deleted',
		async (probe) => {
			const id = await probe.create();
			const { stream } = await caughtUp(probe, id, 0);
			expectStatus(await probe.send('DELETE', { path: pathOf(id) }), 200);
			const reason = dataOf(stream, await frameOf(stream), 'end');
			expectEqual(reason, { reason: 'deleted' }, 'the data of the end frame');
			expectEqual(await stream.next(), undefined, 'the frame after the end');
		},
	),
];

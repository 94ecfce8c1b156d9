import { type Probe, pathOf } from '../check.ts';
import { Deviation, expectEqual, expectStatus, expectTrue, isObject, type JsonObject } from '../expect.ts';
import type { Following, Frame, Stream } from '../stream.ts';

/** The next frame. Throws a Deviation at the end of the stream. */
export async function frameOf(stream: Stream): Promise<Frame> {
	const frame = await stream.next();
	if (!frame) throw new Deviation(`${stream.request}: the stream closed too early`);
	expectTrue(!frame.data.includes('\n'), `${stream.request}: the data of a frame has several lines`);
	return frame;
}

/** The data of a frame, which must be of this kind. */
export function dataOf({ request }: Stream, { event, data }: Frame, kind: string): JsonObject {
	expectEqual(event, kind, `${request}: the kind of the frame`);
	let value: unknown;
	try {
		value = JSON.parse(data);
	} catch {
		// Not an object either.
	}
	if (!isObject(value)) throw new Deviation(`${request}: the data of a ${kind} frame is no JSON object`);
	return value;
}

/** The next frame, which must have an event, as the text of its data. */
export async function eventIn(stream: Stream): Promise<string> {
	const frame = await frameOf(stream);
	const { id } = dataOf(stream, frame, 'event');
	expectEqual(frame.id, id, `${stream.request}: the id of the frame`);
	return frame.data;
}

/** The data of the next frame, which must have the state. */
export async function stateIn(stream: Stream): Promise<JsonObject> {
	const frame = await frameOf(stream);
	const state = dataOf(stream, frame, 'session');
	expectEqual(frame.id, undefined, `${stream.request}: the id of a session frame`);
	return state;
}

/** Appends an event, and returns the text of the response. */
export async function append(
	{ send }: Probe,
	id: string,
	raw = '{"type":"note","payload":{"b":1.0,"a":[1e400],"__proto__":{"2":2,"1":1}}}',
): Promise<string> {
	const answer = await send('POST', { path: `${pathOf(id)}/events`, raw });
	expectStatus(answer, 201);
	return answer.text;
}

/** The id of an event, from its JSON. */
export const idIn = (event: string): string => String((JSON.parse(event) as JsonObject).id);

/** The stream of a session, after its stored events and the first `session` frame. */
export async function caughtUp(probe: Probe, id: string, events: number, following: Following = {}) {
	const stream = await probe.follow(id, following);
	for (let n = 0; n < events; n += 1) await eventIn(stream);
	return { stream, state: await stateIn(stream) };
}

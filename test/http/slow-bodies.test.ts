import { describe, expect, it, vi } from 'vitest';
import { MAX_HELD_BY_LARGE } from '../../src/core/held-bytes.ts';
import { limits } from '../../src/core/limits.ts';
import { pause } from '../../src/core/pause.ts';
import { type Caller, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { liveService } from '../support/follow.ts';

const BODY_MS = 60_000;
const announced = (bytes: number) => ({ 'Content-Length': String(bytes) });

/** A body that a client sends in pieces. `reads` counts how often the service has asked for the next one. */
function sentInPieces() {
	const sent = { reads: 0, isCancelled: false, body: undefined as unknown as ReadableStream<Uint8Array> };
	let send: (piece: string) => void = () => {};
	let finish = () => {};
	sent.body = new ReadableStream(
		{
			type: 'bytes',
			start(controller: ReadableByteStreamController) {
				send = (piece) => controller.enqueue(new TextEncoder().encode(piece));
				finish = () => controller.close();
			},
			pull() {
				sent.reads += 1;
			},
			cancel() {
				sent.isCancelled = true;
			},
		},
		{ highWaterMark: 0 },
	);
	return Object.assign(sent, { send: (piece: string) => send(piece), finish: () => finish() });
}

const service = liveService();

/** Creates a session with a body that arrives in pieces. */
async function createWith(caller: Caller, body: ReadableStream, headers: Record<string, string> = {}) {
	const request = new Request(`${ORIGIN}${SESSIONS}`, {
		method: 'POST',
		headers: {
			Authorization: `Bearer ${caller.key}`,
			'Content-Type': 'application/json',
			...headers,
		},
		body,
	});
	const response = await service(request);
	return { ...(await response.json<{ code?: string; error?: string }>()), status: response.status };
}

/** Sends large bodies of a caller that do not end yet, as many as may be held. */
async function withoutRoom(caller: Caller) {
	const most = Math.floor(MAX_HELD_BY_LARGE / limits.requestBody);
	const slow = Array.from({ length: most }, sentInPieces);
	const creating = slow.map(({ body }) => createWith(caller, body, announced(limits.requestBody)));
	await vi.waitUntil(() => slow.every(({ reads }) => reads > 0), { timeout: 60_000 });
	return { slow, creating };
}

/** Ends the time for bodies after some milliseconds. */
function shortTimeForBodies(): void {
	const { setTimeout: start } = globalThis;
	vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, wait = 0) =>
		start(work, wait === BODY_MS ? 50 : wait)) as typeof setTimeout);
}

describe('a body that arrives slowly', () => {
	it.each([
		['of known length', announced(2)],
		['of unknown length', {}],
	])('is read when it is complete: %s', async (_, headers) => {
		const slow = sentInPieces();
		const creating = createWith(await newCaller(), slow.body, headers);
		slow.send('{');
		await pause(50);
		slow.send('}');
		slow.finish();
		expect(await creating).toMatchObject({ status: 201 });
	});

	it('is read in large pieces, however small its chunks are', async () => {
		const reads = [
			vi.spyOn(ReadableStreamDefaultReader.prototype, 'read'),
			vi.spyOn(ReadableStreamBYOBReader.prototype, 'readAtLeast'),
		];
		const bytes = new TextEncoder().encode(JSON.stringify({ prd: { text: 'x'.repeat(1000) } })).values();
		const body = new ReadableStream({
			type: 'bytes',
			pull(controller: ReadableByteStreamController) {
				const { done, value } = bytes.next();
				if (done) controller.close();
				else controller.enqueue(Uint8Array.of(value));
			},
		});
		expect((await createWith(await newCaller(), body)).status).toBe(201);
		const count = reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
		expect(count).toBeLessThan(10);
	});

	it.each([
		['of known length', announced(2)],
		['of unknown length', {}],
	])('is a 408 after its time, and nothing is written: %s', async (_, headers) => {
		const caller = await newCaller();
		const slow = sentInPieces();
		shortTimeForBodies();
		const creating = createWith(caller, slow.body, headers);
		slow.send('{');
		expect(await creating).toMatchObject({
			status: 408,
			code: 'REQUEST_TIMEOUT',
			error: 'The body did not arrive within 60 s.',
		});
		expect((await caller.call('GET', SESSIONS)).json.data).toEqual([]);
	});

	it('keeps neither the small nor the large calls of its caller', async () => {
		const caller = await newCaller();
		const slow = Array.from({ length: 10 }, sentInPieces);
		const creating = slow.map(({ body }) => createWith(caller, body, announced(limits.requestBody)));
		const { id } = await caller.create({ prd: { text: 'x'.repeat(300_000) } });
		await caller.append(id);
		for (const { finish } of slow) finish();
		expect((await Promise.all(creating)).map(({ status }) => status)).toEqual(Array(10).fill(201));
	});
});

describe('the bodies of a caller that arrive at once', () => {
	it('hold 24 MB together where they are large, one beyond that is refused before it has arrived, and all others are free', async () => {
		const [caller, other] = [await newCaller(), await newCaller()];
		const { slow, creating } = await withoutRoom(caller);

		const over = sentInPieces();
		const refused = await createWith(caller, over.body, announced(limits.requestBody));
		expect([refused.status, refused.code]).toEqual([429, 'RATE_LIMITED']);
		await caller.create();
		await other.create({ prd: { text: 'x'.repeat(300_000) } });

		for (const { finish } of slow) finish();
		await Promise.all(creating);
		const again = sentInPieces();
		const later = createWith(caller, again.body, announced(limits.requestBody));
		again.finish();
		expect((await later).status).toBe(201);
	});

	it('wait unread where they hold as much as they may, until one of the others is complete', async () => {
		const caller = await newCaller();
		const { slow, creating } = await withoutRoom(caller);
		const over = sentInPieces();
		const waiting = createWith(caller, over.body, announced(limits.requestBody));
		over.finish();
		await pause(50);
		expect(over.reads).toBe(0);
		for (const { finish } of slow) finish();
		expect((await waiting).status).toBe(201);
		await Promise.all(creating);
	});

	it('count by what has arrived where nobody knows their length', async () => {
		const caller = await newCaller();
		const most = Math.floor(MAX_HELD_BY_LARGE / 2_000_000);
		const slow = Array.from({ length: most }, sentInPieces);
		const creating = slow.map(({ body }) => createWith(caller, body));
		await vi.waitUntil(() => slow.every(({ reads }) => reads > 0), { timeout: 60_000 });
		for (const { send } of slow) send(' '.repeat(2_000_000));
		await vi.waitUntil(() => slow.every(({ reads }) => reads > 1), { timeout: 60_000 });

		const over = sentInPieces();
		const refused = createWith(caller, over.body);
		over.send(' '.repeat(100_000));
		expect((await refused).code).toBe('RATE_LIMITED');
		expect(over.isCancelled).toBe(true);

		for (const { finish } of slow) finish();
		await Promise.all(creating);
		expect((await caller.create()).id).toBeDefined();
	});

	it('of one key for one session hold 2 MiB, so that its holder does not stop the calls of its maker', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const made = await caller.call<{ key: string }>('POST', `${SESSIONS}/${id}/keys`, {
			body: { append: ['*'] },
		});
		const appendWith = async (body: ReadableStream, bytes: number) => {
			const headers = {
				Authorization: `Bearer ${made.json.key}`,
				'Content-Type': 'application/json',
				...announced(bytes),
			};
			const request = new Request(`${ORIGIN}${SESSIONS}/${id}/events`, { method: 'POST', headers, body });
			return (await service(request)).status;
		};
		const slow = sentInPieces();
		const first = appendWith(slow.body, limits.requestBody);
		await vi.waitUntil(() => slow.reads > 0, { timeout: 60_000 });
		expect(await appendWith(sentInPieces().body, 100)).toBe(429);
		await caller.append(id);
		slow.finish();
		expect(await first).toBe(400);
	});

	it('are forgotten after their time, because a client can leave without a word', async () => {
		const caller = await newCaller();
		const { slow: left, creating } = await withoutRoom(caller);
		const { now } = Date;
		vi.spyOn(Date, 'now').mockImplementation(() => now() + BODY_MS + 1000);
		await caller.create({ prd: { text: 'x'.repeat(390_000) }, plan: { text: 'x'.repeat(390_000) } });
		for (const { finish } of left) finish();
		await Promise.all(creating);
	});
});

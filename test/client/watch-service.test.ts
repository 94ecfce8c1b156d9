import { evictDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readObject, writeJson } from '../../scripts/conformance/ordered-json.ts';
import { type Client, createClient, etagOf, type Fetch, type Watched } from '../../src/client/client.ts';
import { anyObject } from '../model/arbitraries.ts';
import { type Caller, newCaller, ORIGIN } from '../support/api.ts';
import { hubOf, liveService } from '../support/follow.ts';
import { until } from '../support/until.ts';

const service = liveService();

/** Calls the service. A stream breaks off after so many characters, if the function returns a number. */
const fetchWith =
	(charactersBeforeCut: () => number | undefined = () => undefined): Fetch =>
	async (url, { signal, ...init }) => {
		const response = await service(new Request(url, init));
		const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream');
		if (!isStream || response.body === null) return response;
		let left = charactersBeforeCut() ?? Number.POSITIVE_INFINITY;
		const cut = new TransformStream<Uint8Array, Uint8Array>({
			transform(bytes, controller) {
				controller.enqueue(bytes.slice(0, left));
				left -= bytes.length;
				if (left <= 0) controller.error(new TypeError('terminated'));
			},
		});
		response.body.pipeTo(cut.writable).catch(() => {});
		return new Response(cut.readable, { headers: response.headers });
	};

const clientOf = ({ key }: Caller, cut?: () => number | undefined): Client =>
	createClient({ baseUrl: ORIGIN, token: key, fetch: fetchWith(cut) });

async function newSession(fields: object = {}) {
	const caller = await newCaller({ fetcher: service });
	const client = clientOf(caller);
	return { caller, client, id: (await client.create(fields)).id };
}

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('watch at the service', () => {
	it('tells the session, then each change, and the end', async () => {
		const { client, id } = await newSession({ prd: { title: 'T', draft: true } });
		await client.append(id, { type: 'note' });
		const watching = client.watch(id);
		const next = async () => (await watching.next()).value as Watched;
		const first = await next();
		expect(first.session).toEqual(await client.get(id, { fields: first.changed }));
		expect(first.events.map(({ type }) => type)).toEqual(['note']);

		const merged = await client.merge(id, { prd: { draft: null }, plan: { steps: [] } });
		const second = await next();
		expect(second.session).toEqual(merged);
		expect(second.changed).toEqual(['plan', 'prd', 'updatedAt']);
		expect(etagOf(second.session)).toBe(etagOf(merged));

		const updated = await client.update(id, { productObject: { a: 1 } }, { ifMatch: second.session });
		const third = await next();
		expect(third.session).toEqual(updated);
		expect(third.changed).toEqual(['productObject', 'productObjectHash', 'updatedAt']);
		expect(third.session.prd).toBe(second.session.prd);

		const step = await client.step(id, {
			events: [{ type: 'build.done' }],
			patch: { status: 'complete', plan: null },
		});
		const told = [await next()];
		if (!told.at(-1)?.changed.length) told.push(await next());
		expect(told.flatMap(({ events }) => events)).toEqual(step.events);
		expect(told.at(-1)?.session).toEqual(step.session);

		await client.delete(id);
		expect(await next()).toEqual({ ...told.at(-1), changed: [], events: [], ended: 'deleted' });
		expect((await watching.next()).done).toBe(true);
	});

	it('yields a long log in parts, each event once and each with the session', async () => {
		const { client, id } = await newSession({ prd: { title: 'T' } });
		const text = 'x'.repeat(2_000);
		for (let n = 0; n < 10; n += 1) {
			await client.step(id, {
				events: Array.from({ length: 100 }, () => ({ type: 'note', payload: { text } })),
			});
		}
		const ids: string[] = [];
		const sizes: number[] = [];
		for await (const { session, events } of client.watch(id)) {
			expect(session.prd).toEqual({ title: 'T' });
			ids.push(...events.map((event) => event.id));
			sizes.push(events.length);
			if (ids.length === 1000) break;
		}
		const stored: string[] = [];
		for await (const event of client.events(id, { limit: 1000 })) stored.push(event.id);
		expect(ids).toEqual(stored);
		expect(sizes[0]).toBeGreaterThan(300);
		expect(sizes[0]).toBeLessThan(700);
	});

	it('holds what is stored at each ETag, over cuts, refused tokens, lost hubs and eight writers', async () => {
		const { caller, client, id } = await newSession();
		const stored = new Map<string, string>();
		const objects = fc.sample(anyObject, { numRuns: 8 * 20, seed: 7 }).map(({ object }) => writeJson(object));
		const fields = ['plan', 'prd', 'assemblyState', 'productObject'];
		const path = `/v1/products/generation/sessions/${id}`;
		const patch = async (bodyText: string, contentType?: string) => {
			const { text, etag } = await client.request('PATCH', path, { bodyText, contentType }).withResponse();
			stored.set(etag ?? '', text);
		};
		const MERGE = 'application/merge-patch+json';

		/** How many states each reader has seen. The writers go on until all have seen some, over some connections. */
		const counts = [0, 0, 0, 0];
		const isEnough = () => connections > 20 && counts.every((count) => count > 20);
		let writes = 0;
		let evictions = Promise.resolve();

		async function write(writer: number): Promise<void> {
			for (let n = 0; n < 20 || (n < 1000 && !isEnough()); n += 1) {
				// Timers wait while the runtime is busy, and the readers need some to connect again.
				await new Promise((resolve) => setTimeout(resolve, 50));
				const object = objects[writer * 20 + n] ?? '{}';
				const field = fields[(writer + n) % 4] ?? 'plan';
				const way = (writer * 7 + n * 3) % 7;
				if (way === 0) await patch(`{"${field}":${object}}`);
				else if (way === 1) await patch(`{"${field}":null,"status":"generating"}`, MERGE);
				else if (way === 2) await patch(`{"ttlSeconds":${3600 + n}}`);
				else if (way === 3) {
					const bodyText = `{"events":[{"type":"a"},{"type":"b"}],"patch":{"${field}":${object}}}`;
					const { text, etag } = await client.request('POST', `${path}/steps`, { bodyText }).withResponse();
					stored.set(etag ?? '', text.slice(text.indexOf(',"session":') + 11, -1));
				} else if (way === 4) await client.append(id, { type: 'c' });
				else await patch(`{"${field}":${object}}`, MERGE);
				writes += 1;
				const webSockets = { webSockets: 'close' } as const;
				const how = (writes / 20) % 2 === 0 ? webSockets : {};
				if (writes % 20 === 0) evictions = evictions.then(() => evictDurableObject(hubOf(id), how));
			}
		}

		const shaky = createClient({
			baseUrl: ORIGIN,
			token: () => (connections++ % 3 === 1 ? 'rt_test_unknown' : caller.key),
			fetch: fetchWith(() => 500 + ((connections * 7919) % 12_000)),
		});
		let connections = 0;
		/** Watches until the last state has arrived with all events, and returns their ids. */
		async function read(reader: number): Promise<string[]> {
			const events: string[] = [];
			for await (const item of shaky.watch(id)) {
				seen.push({ item, text: JSON.stringify(item.session) });
				counts[reader] = (counts[reader] ?? 0) + 1;
				events.push(...item.events.map((event) => event.id));
				if (item.session.status === 'complete' && events.length === total) break;
			}
			return events;
		}

		const seen: { item: Watched; text: string }[] = [];
		let total = Number.NaN;
		const readers = Promise.all([0, 1, 2, 3].map(read));
		await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(write));
		await evictions;
		const log: string[] = [];
		for await (const event of client.events(id, { limit: 1000 })) log.push(event.id);
		total = log.length;
		await patch('{"status":"complete"}');

		expect(isEnough()).toBe(true);
		for (const events of await readers) expect(events).toEqual(log);
		for (const { item, text } of seen) {
			// No item has changed after it was yielded.
			expect(JSON.stringify(item.session)).toBe(text);
			// No writer was told of the first one.
			if (item.etag === '"1"') continue;
			const is = stored.get(item.etag) ?? '';
			expect(text, item.etag).toBe(JSON.stringify(JSON.parse(writeJson(readObject(is)))));
		}
	});
});

describe('waitFor at the service', () => {
	it('resolves when the session gets there, reads no event twice, and tells of its end', async () => {
		const { caller, client, id } = await newSession();
		for (let n = 0; n < 3; n += 1) await client.append(id, { type: 'note' });
		const urls: string[] = [];
		const observed = createClient({
			baseUrl: ORIGIN,
			token: caller.key,
			fetch: fetchWith(),
			onAttempt: ({ url }) => urls.push(url),
		});
		const waiting = observed.waitFor(id, ['complete', 'failed'], { timeoutMs: 60_000 });
		await until(() => expect(urls).toHaveLength(2));
		await client.step(id, { events: [{ type: 'build.done' }], patch: { status: 'complete' } });
		expect(await waiting).toEqual(await client.update(id, {}));
		const newest = (await client.get(id)).events[2];
		expect(new URL(urls[1] ?? '').searchParams.get('after')).toBe(newest?.id);

		await expect(client.waitFor(id, ['failed'], { timeoutMs: 50 })).rejects.toMatchObject({
			code: 'TIMEOUT',
		});
		const ending = observed.waitFor(id, ['failed']);
		await until(() => expect(urls).toHaveLength(4));
		await client.delete(id);
		await expect(ending).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
	});
});

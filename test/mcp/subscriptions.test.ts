import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { type Caller, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { followSession, liveService } from '../support/follow.ts';
import { legacyRequestOf, requestOf } from '../support/mcp.ts';
import { streamOf } from '../support/stream.ts';
import { until } from '../support/until.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

interface Message {
	id?: number;
	method?: string;
	params?: { uri?: string; notifications?: object };
	result?: object;
}

/** Subscribes to resources, and returns the messages one by one. */
async function subscribe(caller: Caller, fetcher: ReturnType<typeof liveService>, uris: string[]) {
	const { headers, body } = requestOf('subscriptions/listen', {
		notifications: { resourceSubscriptions: uris },
	});
	const response = await fetcher(
		new Request(`${ORIGIN}/mcp`, {
			method: 'POST',
			headers: { ...headers, Authorization: `Bearer ${caller.key}` },
			body: JSON.stringify(body),
		}),
	);
	const stream = streamOf(response);
	return {
		response,
		leave: () => stream.leave(),
		async next(): Promise<Message | undefined> {
			const frame = await stream.next();
			return frame && (JSON.parse(frame.data ?? '') as Message);
		},
	};
}

async function subscribedCaller(bindings: Parameters<typeof liveService>[0] = {}) {
	const fetcher = liveService(bindings);
	const caller = await newCaller({ fetcher });
	const { id } = await caller.create();
	const setStatus = (status: string) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status } });
	return { caller, id, setStatus, listen: (...uris: string[]) => subscribe(caller, fetcher, uris) };
}

describe('a subscription whose request the runtime drops while it opens', () => {
	it('keeps its places for a minute, and not for the life of a stream', async () => {
		const silent: string[] = [];
		const reached: string[] = [];
		const d1 = wrappedD1(env.DB, (statements, work) => {
			const values = statements.flatMap(({ values }) => values);
			for (const id of silent) if (values.includes(id)) reached.push(id);
			return silent.some((id) => values.includes(id)) ? new Promise(() => {}) : work();
		});
		const fetcher = liveService({ DB: d1, MAX_STREAMS_PER_CALLER: '2' });
		const caller = await newCaller({ fetcher });
		const [open, opening, other] = [await caller.create(), await caller.create(), await caller.create()];
		silent.push(opening.id);
		// Nobody waits for it, as for a request that was dropped.
		void subscribe(caller, fetcher, [`session://${open.id}`, `session://${opening.id}`]).catch(() => {});
		await until(() => expect(reached).toEqual([opening.id]));
		const follow = () => followSession(caller, other.id, { fetcher });
		const { now } = Date;
		vi.spyOn(Date, 'now').mockImplementation(() => now() + 61_000);
		const streams = [await follow(), await follow()];
		expect(streams.map(({ response }) => response.status)).toEqual([200, 200]);
		for (const stream of streams) await stream.leave();
	});
});

describe('a subscription', () => {
	it('is acknowledged, and tells of each change of the session and of new events', async () => {
		const { caller, id, setStatus, listen } = await subscribedCaller();
		const [session, events] = [`session://${id}`, `session://${id}/events`];
		const { response, next, leave } = await listen(session, events);
		expect(response.headers.get('Content-Type')).toBe('text/event-stream');
		expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform');
		expect(await next()).toMatchObject({
			method: 'notifications/subscriptions/acknowledged',
			params: { notifications: { resourceSubscriptions: [session, events] } },
		});
		await setStatus('generating');
		expect(await next()).toMatchObject({
			method: 'notifications/resources/updated',
			params: { uri: session },
		});
		await caller.append(id);
		expect(await next()).toMatchObject({
			method: 'notifications/resources/updated',
			params: { uri: events },
		});
		await leave();
	});

	it('tells of a change that comes right after the subscription', async () => {
		const { setStatus, listen, id } = await subscribedCaller();
		const { next, leave } = await listen(`session://${id}`);
		await setStatus('failed');
		await next();
		expect(await next()).toMatchObject({ params: { uri: `session://${id}` } });
		await leave();
	});

	it('shares a notice among many changes, and the last one is never missing', async () => {
		const { caller, id, listen } = await subscribedCaller();
		const { next, leave } = await listen(`session://${id}/events`);
		await next();
		for (let n = 0; n < 20; n += 1) await caller.append(id, { type: `t${n}` });
		let notices = 0;
		const seen = async () => {
			await next();
			notices += 1;
			return (await caller.details(id)).events.length;
		};
		while ((await seen()) < 20);
		expect(notices).toBeLessThan(20);
		await leave();
	});

	it('ends with its result when the session is deleted', async () => {
		const { caller, id, listen } = await subscribedCaller();
		const { next } = await listen(`session://${id}`);
		await next();
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect(await next()).toMatchObject({ method: 'notifications/resources/updated' });
		expect(await next()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
		expect(await next()).toBeUndefined();
	});

	it('ends with its result after FOLLOW_MAX_SECONDS', async () => {
		const { id, listen } = await subscribedCaller({ FOLLOW_MAX_SECONDS: '1' });
		const { next } = await listen(`session://${id}`);
		await next();
		expect(await next()).toMatchObject({ id: 1, result: {} });
		expect(await next()).toBeUndefined();
	});

	it('gives up its place among the streams of the caller when the client leaves', async () => {
		const { caller, id, setStatus, listen } = await subscribedCaller({ MAX_STREAMS_PER_CALLER: '1' });
		const first = await listen(`session://${id}`);
		await first.next();
		const second = await listen(`session://${id}`);
		expect(second.response.headers.get('Content-Type')).toContain('application/json');
		await first.leave();
		await until(async () => {
			const third = await listen(`session://${id}`);
			expect(third.response.headers.get('Content-Type')).toBe('text/event-stream');
			await third.leave();
		});
		await setStatus('failed');
		expect((await caller.details(id)).status).toBe('failed');
	});

	it('is refused for other resources, and for more than ten sessions', async () => {
		const { caller, listen } = await subscribedCaller();
		const errorOf = async (...uris: string[]) => {
			const { response } = await listen(...uris);
			return response.headers.get('Content-Type')?.includes('json');
		};
		expect(await errorOf('file:///x')).toBe(true);
		expect(await errorOf('session://sess_01k2vxq8f3e7ttyyds0t6w2h4b')).toBe(true);
		const many = await Promise.all(Array.from({ length: 11 }, () => caller.create()));
		expect(await errorOf(...many.map(({ id }) => `session://${id}`))).toBe(true);
	});

	it('tells once of a change, however often its resource is named', async () => {
		const { id, setStatus, listen } = await subscribedCaller();
		const uri = `session://${id}`;
		const { next, leave } = await listen(...Array.from({ length: 1000 }, () => uri), `${uri}/events`);
		await next();
		await setStatus('generating');
		expect(await next()).toMatchObject({ params: { uri } });
		await setStatus('failed');
		expect(await next()).toMatchObject({ params: { uri } });
		await leave();
		const { response } = await listen(`${uri}/events?after=a`);
		expect(response.headers.get('Content-Type')).toContain('json');
	});

	it('that the protocol rejects keeps no place among the streams of the caller', async () => {
		const { caller, id, listen } = await subscribedCaller({ MAX_STREAMS_PER_CALLER: '1' });
		const params = { notifications: { resourceSubscriptions: [`session://${id}`] } };
		for (const request of [
			legacyRequestOf('subscriptions/listen', params),
			{ ...requestOf('subscriptions/listen', params), headers: { 'Content-Type': 'text/plain' } },
			{
				...requestOf('subscriptions/listen', params),
				headers: { 'Content-Type': 'application/json', 'Mcp-Method': 'x' },
			},
		]) {
			const { text } = await caller.call('POST', '/mcp', request);
			expect(text).toContain('error');
			expect(text).not.toContain('RATE_LIMITED');
		}
		const { response, leave } = await listen(`session://${id}`);
		expect(response.headers.get('Content-Type')).toBe('text/event-stream');
		await leave();
	});

	it('to nothing is acknowledged and ends', async () => {
		const { listen } = await subscribedCaller();
		const { next } = await listen();
		expect(await next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
		expect(await next()).toMatchObject({ id: 1, result: {} });
		expect(await next()).toBeUndefined();
	});
});

import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { caughtUp, followSession, hubsWith, liveService } from '../support/follow.ts';

describe('a step', () => {
	it('reaches followers as its events in order and then the new state', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const stream = await caughtUp(await followSession(caller, id));
		const { json, headers } = await caller.call<{ events: { id: string }[] }>(
			'POST',
			`${SESSIONS}/${id}/steps`,
			{
				body: { events: [{ type: 'a' }, { type: 'b' }, { type: 'c' }], patch: { status: 'generating' } },
			},
		);
		const frames = [await stream.next(), await stream.next(), await stream.next(), await stream.next()];
		const events = frames.filter((frame) => frame?.event === 'event');
		expect(events.map((frame) => frame?.id)).toEqual(json.events.map((event) => event.id));
		const [state] = frames.filter((frame) => frame?.event === 'session');
		expect(JSON.parse(state?.data ?? '')).toMatchObject({ status: 'generating', etag: headers.get('ETag') });
		await stream.leave();
	});

	it('sends no notice to a hub when nobody follows the session', async () => {
		const { hubs, sent } = hubsWith((_, pass) => pass());
		const caller = await newCaller({ fetcher: liveService({ HUB: hubs }) });
		const { id } = await caller.create();
		const body = { events: [{ type: 'a' }], patch: { status: 'generating' } };
		expect((await caller.call('POST', `${SESSIONS}/${id}/steps`, { body })).status).toBe(201);
		expect(sent).toEqual({ publish: 0, connect: 0 });
	});
});

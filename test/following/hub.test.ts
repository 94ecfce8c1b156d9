import { expect, it } from 'vitest';
import { decodeNotices, encodeNotices, type Notice } from '../../src/following/notices.ts';
import { hubOf } from '../support/follow.ts';

const events = (position: number, length = 1): Notice => ({
	kind: 'events',
	first: position,
	last: position,
	frames: 'x\n'.repeat(length),
});

/** A socket at a hub. `messages` grows as they arrive. */
async function connected(hub: DurableObjectStub) {
	const { webSocket } = await hub.fetch('https://hub/', { headers: { Upgrade: 'websocket' } });
	if (!webSocket) throw new Error('no socket');
	const messages: Notice[][] = [];
	webSocket.addEventListener('message', ({ data }) => void messages.push(decodeNotices(String(data))));
	webSocket.accept();
	const all = async (count: number) => {
		while (messages.flat().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
		return messages.flat();
	};
	return { messages, all, close: () => webSocket.close() };
}

const publish = (hub: DurableObjectStub, notices: readonly Notice[]) =>
	hub.fetch('https://hub/', { method: 'POST', body: encodeNotices(notices) });

it('sends each follower every notice, those that arrive at the same time in one message', async () => {
	const hub = hubOf(crypto.randomUUID());
	const followers = [await connected(hub), await connected(hub)];
	const sent = Array.from({ length: 60 }, (_, at) => events(at + 1));
	await Promise.all(sent.map((notice) => publish(hub, [notice])));
	for (const { messages, all, close } of followers) {
		expect((await all(60)).map((notice) => notice.kind === 'events' && notice.first).sort()).toEqual(
			sent.map((notice) => notice.kind === 'events' && notice.first).sort(),
		);
		expect(messages.length).toBeLessThan(60);
		close();
	}
});

it('keeps the notices of one write together and whole, and sends large ones at once', async () => {
	const hub = hubOf(crypto.randomUUID());
	const { messages, all, close } = await connected(hub);
	const change: Notice = {
		kind: 'change',
		state: { id: 'sess_1', status: 'intake', version: 2, expiresAt: '', updatedAt: 'a\nb\u001e' },
		tail: 7,
		frames: 'event: change\ndata: {"a":"\\u001e"}\n\n',
	};
	await publish(hub, [events(1), { kind: 'deleted' }, change]);
	expect(await all(3)).toEqual([events(1), { kind: 'deleted' }, change]);
	expect(messages).toHaveLength(1);
	const large = Array.from({ length: 12 }, (_, at) => events(at + 2, 60_000));
	await Promise.all(large.map((notice) => publish(hub, [notice])));
	await all(15);
	for (const message of messages) expect(encodeNotices(message).length).toBeLessThan(700_000);
	close();
});

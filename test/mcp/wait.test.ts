import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { countRows, expire } from '../support/database.ts';
import { liveService } from '../support/follow.ts';
import { mcpOf } from '../support/mcp.ts';
import { until } from '../support/until.ts';

interface Waited {
	outcome: string;
	session: { status: string; etag: string };
	event?: { id: string; type: string; payload: unknown };
	lastEventId?: string;
}

async function waiting(bindings: Parameters<typeof liveService>[0] = {}) {
	const caller = await newCaller({ fetcher: liveService(bindings) });
	const { id } = await caller.create();
	const wait = (args: object) =>
		mcpOf(caller).content<Waited>('wait_for_session', { sessionId: id, timeoutSeconds: 60, ...args });
	const setStatus = (status: string) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status } });
	return { caller, id, wait, setStatus };
}

const isFollowed = async (id: string) =>
	(await countRows('sessions', 'id = ? AND followed_until IS NOT NULL', id)) === 1;

describe('wait_for_session', () => {
	it('returns when the session gets one of the statuses', async () => {
		const { wait, setStatus } = await waiting();
		const waited = wait({ statuses: ['complete', 'failed'] });
		await setStatus('generating');
		await setStatus('failed');
		expect(await waited).toMatchObject({ outcome: 'status', session: { status: 'failed', etag: '"3"' } });
	});

	it('returns at once if the session has the status already', async () => {
		const { wait } = await waiting();
		expect(await wait({ statuses: ['intake'] })).toMatchObject({ outcome: 'status' });
	});

	it('returns the first event of a type after another event, whether it came before or during the wait', async () => {
		const { caller, id, wait } = await waiting();
		const asked = await caller.append(id, { type: 'input.requested' });
		const early = await caller.append(id, { type: 'input.given', payload: { n: 1 } });
		const first = await wait({ eventType: 'input.*', after: asked.id });
		expect(first).toMatchObject({ outcome: 'event', event: { id: early.id, payload: { n: 1 } } });
		const waited = wait({ eventType: 'input.*', after: early.id });
		await caller.append(id, { type: 'note' });
		const late = await caller.append(id, { type: 'input.given' });
		expect(await waited).toMatchObject({ outcome: 'event', event: { id: late.id }, lastEventId: late.id });
	});

	it('without an event to begin with, counts only events from now on', async () => {
		const { caller, id, wait } = await waiting();
		await caller.append(id, { type: 'old' });
		expect(await wait({ eventType: 'old', timeoutSeconds: 1 })).toMatchObject({ outcome: 'timeout' });
	});

	it('returns after its time, with the last event that it saw', async () => {
		const { caller, id, wait } = await waiting();
		const { id: first } = await caller.append(id, { type: 'a' });
		const { id: last } = await caller.append(id, { type: 'b' });
		const waited = await wait({ eventType: 'c', after: first, timeoutSeconds: 1 });
		expect(waited).toMatchObject({ outcome: 'timeout', lastEventId: last, session: { status: 'intake' } });
	});

	it('returns when the session is deleted or expires', async () => {
		const deleted = await waiting();
		const waited = deleted.wait({ statuses: ['complete'] });
		await until(async () => expect(await isFollowed(deleted.id)).toBe(true));
		await deleted.caller.call('DELETE', `${SESSIONS}/${deleted.id}`);
		expect(await waited).toMatchObject({ outcome: 'ended' });
		const expired = await waiting();
		await expire(expired.id);
		await expect(expired.wait({})).rejects.toThrow('SESSION_NOT_FOUND');
	});

	it('refuses an event of another session, and times over a minute', async () => {
		const { caller, wait } = await waiting();
		const other = await caller.create();
		const event = await caller.append(other.id);
		await expect(wait({ after: event.id })).rejects.toThrow('after');
		await expect(wait({ timeoutSeconds: 61 })).rejects.toThrow('timeoutSeconds');
	});

	it('takes one of the places of the caller for streams while it waits', async () => {
		const { caller, id, wait, setStatus } = await waiting({ MAX_STREAMS_PER_CALLER: '1' });
		const waited = wait({ statuses: ['complete'], timeoutSeconds: 60 });
		await until(async () => expect(await isFollowed(id)).toBe(true));
		expect(await mcpOf(caller).failure('wait_for_session', { sessionId: id })).toMatch(
			/^RATE_LIMITED.*Wait 5 s/s,
		);
		await setStatus('complete');
		expect(await waited).toMatchObject({ outcome: 'status' });
		expect(await wait({ timeoutSeconds: 1 })).toMatchObject({ outcome: 'timeout' });
	});
});

import { beforeEach, describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { type FaultyD1, faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { mcpOf } from '../support/mcp.ts';

let faulty: FaultyD1;
let mcp: ReturnType<typeof mcpOf>;
let sessionId: string;
beforeEach(async () => {
	faulty = faultyD1();
	const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
	mcp = mcpOf(caller);
	({ id: sessionId } = await caller.create());
	await caller.call('GET', SESSIONS);
});

/** Runs a tool whose statements take effect, and whose result is lost. */
function lostResult(name: string, args: Record<string, unknown>): Promise<string> {
	faulty.next = [{ message: 'D1_ERROR: D1 DB storage operation exceeded timeout.', when: 'after' }];
	return mcp.failure(name, args);
}

const events = [{ type: 'note' }];

describe('a tool whose result is lost', () => {
	it.each([
		['append_event', () => ({ sessionId, type: 'note' })],
		['add_step', () => ({ sessionId, events })],
		['create_session', () => ({})],
	])('says that a write without an idempotencyKey may have taken effect: %s', async (name, args) => {
		const text = await lostResult(name, args());
		expect(text).toMatch(/^DATABASE_UNAVAILABLE/);
		expect(text).toMatch(/may have taken effect/);
		expect(text).not.toMatch(/same call/);
	});

	it('says to repeat a write with its idempotencyKey', async () => {
		const text = await lostResult('append_event', { sessionId, type: 'note', idempotencyKey: 'k' });
		expect(text).toMatch(/same call with the same idempotencyKey/);
	});

	it.each([
		['list_events', () => ({ sessionId })],
		['update_session', () => ({ sessionId, plan: { a: 1 } })],
	])('says to repeat what is safe to repeat: %s', async (name, args) => {
		const text = await lostResult(name, args());
		expect(text).toMatch(/same call again/);
		expect(text).not.toMatch(/idempotencyKey/);
	});
});

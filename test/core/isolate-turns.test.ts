import { describe, expect, it, vi } from 'vitest';
import { LARGE_TEXT, MAX_HELD_BY_LARGE } from '../../src/core/held-bytes.ts';
import { inTurn, MS_A_MEGABYTE } from '../../src/core/isolate-turns.ts';
import { pause } from '../../src/core/pause.ts';
import { callerKey, type Owner } from '../../src/core/principal.ts';
import { takeTurn } from '../../src/core/turns.ts';
import { newCaller, SESSIONS } from '../support/api.ts';

const ownerOf = (name: string) => ({ userId: name, organizationId: null });
const MEGABYTE = 1_000_000;

/** Takes the turn of a caller. Returns a function that ends it. */
const occupy = (owner: Owner) =>
	takeTurn({ caller: callerKey(owner), at: 'the isolate', kind: 'large', atOnce: 1, leastWork: 0 }, 60_000);

/** How each of some promises has ended until now. */
async function endsOf(work: readonly Promise<unknown>[]): Promise<string[]> {
	const open = Symbol('open');
	return Promise.all(
		work.map((each) =>
			Promise.race([each, pause(20).then(() => open)]).then(
				(value) => (value === open ? 'waits' : 'done'),
				({ code }) => code,
			),
		),
	);
}

describe('work of the isolate on large texts of one caller', () => {
	it.each(['read', 'merge', 'hash'] as const)(
		'has a rest after it, as long as it takes to %s a text that is all short members',
		async (kind) => {
			const owner = ownerOf(`rests after ${kind}`);
			const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
			const timers = vi.spyOn(globalThis, 'setTimeout');
			for (let n = 0; n < 2; n += 1) await inTurn(owner, kind, MEGABYTE, () => {});
			clock.mockRestore();
			expect(timers.mock.calls.filter(([, wait]) => wait === MS_A_MEGABYTE[kind])).toHaveLength(1);
		},
	);

	it('goes in the order in which it came, and returns what it made', async () => {
		const order: number[] = [];
		const all = Array.from({ length: 10 }, (_, n) =>
			inTurn(ownerOf('in order'), 'read', LARGE_TEXT, () => {
				order.push(n);
				return n * n;
			}),
		);
		expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, (_, n) => n * n));
		expect(order).toEqual(Array.from({ length: 10 }, (_, n) => n));
	});

	it('goes on after work that fails', async () => {
		const owner = ownerOf('fails');
		const failing = inTurn(owner, 'merge', MEGABYTE, () => {
			throw new Error('It cannot be merged.');
		});
		await expect(failing).rejects.toThrow('cannot be merged');
		expect(await inTurn(owner, 'merge', MEGABYTE, () => 'merged')).toBe('merged');
	});

	it('keeps neither small texts of the caller nor large ones of others', async () => {
		const end = await occupy(ownerOf('a'));
		const waiting = inTurn(ownerOf('a'), 'read', MEGABYTE, () => 'late');
		expect(await inTurn(ownerOf('a'), 'read', LARGE_TEXT - 1, () => 'small')).toBe('small');
		expect(await inTurn(ownerOf('b'), 'read', MEGABYTE, () => 'of another')).toBe('of another');
		end(0);
		expect(await waiting).toBe('late');
	});

	it('is refused when its turn does not come within ten seconds', async () => {
		await occupy(ownerOf('waits'));
		const waiting = inTurn(ownerOf('waits'), 'read', MEGABYTE, () => {});
		vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
		await expect(waiting).rejects.toMatchObject({ code: 'RATE_LIMITED', headers: { 'Retry-After': '1' } });
	});

	it('is refused at once when those that wait hold as many bytes as they may, and not for long', async () => {
		const owner = ownerOf('holds much');
		const end = await occupy(owner);
		const most = MAX_HELD_BY_LARGE / MEGABYTE;
		const waiting = Array.from({ length: most + 3 }, () => inTurn(owner, 'read', MEGABYTE, () => {}));
		const ends = await endsOf(waiting);
		expect(ends).toEqual([...Array(most).fill('waits'), ...Array(3).fill('RATE_LIMITED')]);
		expect(await inTurn(ownerOf('another'), 'read', MEGABYTE, () => 'read')).toBe('read');
		end(0);
		await Promise.allSettled(waiting);
		expect(await inTurn(owner, 'read', MEGABYTE, () => 'read')).toBe('read');
	});
});

it('a caller’s large bodies wait for one another, and all other calls pass them', async () => {
	const [caller, other] = [await newCaller(), await newCaller()];
	const { id } = await caller.create();
	const theirs = await other.create();
	const large = { body: { plan: { text: 'x'.repeat(300_000) } } };
	const end = await occupy(caller);
	let done = 0;
	const calls = Array.from({ length: 5 }, async () => {
		const { status } = await caller.call('PATCH', `${SESSIONS}/${id}`, large);
		done += 1;
		return status;
	});
	expect((await other.append(theirs.id)).type).toBe('note');
	expect((await other.call('PATCH', `${SESSIONS}/${theirs.id}`, large)).status).toBe(200);
	expect((await caller.append(id)).type).toBe('note');
	expect(done).toBe(0);
	end(0);
	expect(await Promise.all(calls)).toEqual([200, 200, 200, 200, 200]);
});

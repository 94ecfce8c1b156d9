import { expect, it, vi } from 'vitest';
import { newShares } from '../../src/core/shares.ts';

it('add up by who has them, until they are given up', () => {
	const shares = newShares();
	const first = shares.take('a', 2, 1000);
	const second = shares.take('a', 3, 1000);
	shares.take('b', 5, 1000);
	second.add(4);
	expect([shares.of('a', 0), shares.of('b', 0), shares.of('c', 0)]).toEqual([9, 5, 0]);
	first.giveUp();
	first.giveUp();
	first.add(8);
	expect(shares.of('a', 0)).toBe(7);
	second.giveUp();
	expect(shares.of('a', 0)).toBe(0);
	shares.take('a', 1, 1000);
	first.giveUp();
	expect(shares.of('a', 0)).toBe(1);
});

it('end by themselves, unless their end is put off', () => {
	const shares = newShares();
	shares.take('a', 1, 1000);
	const later = shares.take('a', 2, 1000);
	expect(shares.of('a', 899)).toBe(3);
	later.until = 2000;
	expect(shares.of('a', 1000)).toBe(2);
	expect(shares.of('a', 2000)).toBe(0);
});

it('are not looked through for each one that is added', () => {
	const shares = newShares();
	const walks = vi.spyOn(Set.prototype, Symbol.iterator);
	for (let n = 0; n < 10_000; n += 1) {
		shares.take('a', 1, 1000);
		shares.of('a', Math.floor(n / 100));
	}
	expect(walks.mock.calls.length).toBeLessThanOrEqual(1);
	walks.mockRestore();
});

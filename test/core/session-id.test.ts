import { TypeID, typeid } from 'typeid-js';
import { describe, expect, it, vi } from 'vitest';
import { databaseNumberOf, newSessionId } from '../../src/core/session-id.ts';
import { SESSION_ID } from '../../src/core/session-reference.ts';

const uuidOf = (id: string) => typeid('sess', id.slice(5)).toUUID();

describe('the id of a new session', () => {
	it.each([0, 1, 2, 4, 50, 99])('names database %i', (number) => {
		for (let n = 0; n < 1000; n += 1) expect(databaseNumberOf(newSessionId(number).id)).toBe(number);
	});

	it('is a TypeID of a UUIDv7, and contains the returned time of creation', () => {
		const before = Date.now();
		const { id, createdAt } = newSessionId(7);
		expect(id).toMatch(SESSION_ID);
		expect(uuidOf(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		expect(Number.parseInt(uuidOf(id).replace('-', '').slice(0, 12), 16)).toBe(createdAt);
		expect(createdAt).toBeGreaterThanOrEqual(before);
	});

	it('sorts after all ids that were made before, whichever databases they name', () => {
		const ids = Array.from({ length: 2000 }, (_, n) => newSessionId((n * 7) % 100).id);
		expect(ids.toSorted()).toEqual(ids);
	});

	it('is unique', () => {
		const ids = Array.from({ length: 20_000 }, () => newSessionId(3).id);
		expect(new Set(ids).size).toBe(ids.length);
	});
});

describe('the id of a session from an earlier version', () => {
	it('never has the constant, because the first two hex digits of its rand_a are equal', async () => {
		const digits = new Set<string>();
		for (let n = 0; n < 40; n += 1) {
			// A new instance of the library starts with other digits. Its current version stands in for the earlier one here.
			// A later version may fill rand_a differently. That is harmless, because newer ids all have the constant.
			vi.resetModules();
			const { typeid: fresh } = await import('typeid-js');
			const [, first = '', second = ''] = /-7(.)(.).-/.exec(fresh('sess').toUUID()) ?? [];
			expect(second).toBe(first);
			digits.add(first);
		}
		expect(digits.size).toBeGreaterThan(4);
	});

	it('names DB, whatever its other bits are', () => {
		const numbers = Array.from({ length: 20_000 }, () => databaseNumberOf(typeid('sess').toString()));
		expect(new Set(numbers)).toEqual(new Set([0]));
		const extremes = ['7d1c-bfff', '7d1e-bfff', '7000-8000', '7fff-bfff', '6d1d-bfff', 'fd1d-bfff'];
		for (const middle of extremes) {
			const uuid = `0190aaaa-bbbb-${middle}-ffffffffffff`;
			expect(databaseNumberOf(TypeID.fromUUID('sess', uuid).toString()), middle).toBe(0);
		}
	});
});

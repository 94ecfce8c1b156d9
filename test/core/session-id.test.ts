import { typeid } from 'typeid-js';
import { describe, expect, it } from 'vitest';
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

import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import type { SessionReference } from '../../src/core/session-reference.ts';
import { sql } from '../../src/core/sql.ts';
import { type EventRange, selectedRange } from '../../src/events/range-store.ts';
import { newCaller } from '../support/api.ts';
import { query } from '../support/database.ts';

/** Sessions in the order of their ids, so that each lies between others in the table, and their positions. */
let sessions: { id: string; positions: number[] }[] = [];

const positions = (from: number, to: number): number[] =>
	Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);

beforeAll(async () => {
	const caller = await newCaller();
	const ids: string[] = [];
	for (let n = 0; n < 5; n += 1) ids.push((await caller.create()).id);
	// The cleanup has deleted the first events of one, and all events of another.
	const kept = [positions(1, 30), [], positions(1, 12), positions(8, 30), positions(1, 30)];
	sessions = ids.sort().map((id, n) => ({ id, positions: kept[n] ?? [] }));
	for (const session of sessions) {
		for (const position of session.positions) {
			await query(
				`INSERT INTO events (session_id, position, id, type, payload, created_at) VALUES (?, ?, ?, 'note', '{}', '')`,
				session.id,
				position,
				`evt_${position}`,
			);
		}
	}
});

async function selected(id: string, range: EventRange, max: number) {
	const { where, order, limit } = selectedRange({ id } as SessionReference, range, max);
	const { sql: text, values } =
		sql`SELECT position FROM events WHERE ${where} ORDER BY ${order} LIMIT ${limit}`;
	const { results, meta } = await env.DB.prepare(text)
		.bind(...values)
		.all<{ position: number }>();
	return { positions: results.map(({ position }) => position), rowsRead: meta.rows_read };
}

it.each([0, 1, 5, 7, 8, 11, 12, 29, 30, 31, 99])(
	'has the events after position %i, oldest first, and reads no others',
	async (after) => {
		for (const { id, positions: all } of sessions) {
			for (const max of [1, 10, 500]) {
				const { positions: found, rowsRead } = await selected(id, { after }, max);
				expect(found).toEqual(all.filter((position) => position > after).slice(0, max));
				// The first and the latest event are looked up.
				expect(rowsRead).toBeLessThanOrEqual(found.length + 2);
			}
		}
	},
);

it.each([0, 1, 5, 7, 8, 11, 12, 29, 30, 31, 'latest'] as const)(
	'has the events up to position %s, newest first, and reads no others',
	async (upTo) => {
		for (const { id, positions: all } of sessions) {
			for (const max of [1, 10, 1000]) {
				const { positions: found, rowsRead } = await selected(id, { upTo }, max);
				const expected = all.filter((position) => upTo === 'latest' || position <= upTo).reverse();
				expect(found).toEqual(expected.slice(0, max));
				// The latest event is looked up twice.
				expect(rowsRead).toBeLessThanOrEqual(found.length + 3);
			}
		}
	},
);

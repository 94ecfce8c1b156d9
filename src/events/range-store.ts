import type { SessionReference } from '../core/session-reference.ts';
import { type Sql, sql } from '../core/sql.ts';

/** Events of a session: those after a position, the oldest first, or those up to one or up to the latest, the newest first. */
export type EventRange = { after: number } | { upTo: number | Sql | 'latest' };

/** The parts of a statement that selects events of a range. */
interface SelectedRange {
	/** The condition on `events`, and its order. Without the limit it has no end. */
	where: Sql;
	order: Sql;
	/** How many events the range has. */
	limit: Sql;
}

/**
 * Selects at most `max` events of a range, without reading their content. A range that ends within the table would: its end is a
 * comparison of keys, and in a table WITHOUT ROWID SQLite reads the whole row for each of them, so 1,000 events of 64 KB take 8 ms
 * and more, in place of 0.5 ms. This range has only a beginning, and the limit ends it, which counts the events that the session
 * has there: their positions have no gaps, also while the cleanup deletes the first ones. The plus keeps the session out of the
 * range.
 */
export function selectedRange({ id }: SessionReference, range: EventRange, max: number): SelectedRange {
	const latest = sql`(SELECT max(position) FROM events WHERE session_id = ${id})`;
	const first = sql`(SELECT min(position) FROM events WHERE session_id = ${id})`;
	const ofSession = sql`+events.session_id = ${id}`;
	const atMost = (events: Sql) => sql`max(0, min(${max}, ifnull(${events}, 0)))`;
	if ('after' in range) {
		const { after } = range;
		return {
			where: sql`(events.session_id, events.position) >= (${id}, ${after + 1}) AND ${ofSession}`,
			order: sql`events.session_id, events.position`,
			limit: atMost(sql`${latest} - max(${after}, ${first} - 1)`),
		};
	}
	const last = range.upTo === 'latest' ? latest : sql`min(${latest}, ${range.upTo})`;
	return {
		where: sql`(events.session_id, events.position) <= (${id}, ${last}) AND ${ofSession}`,
		order: sql`events.session_id DESC, events.position DESC`,
		limit: atMost(sql`${last} - ${first} + 1`),
	};
}

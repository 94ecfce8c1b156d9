import type { Seen } from '../model/seen.ts';

/** The events that the page has: the newest ones first of all, then the past behind them, without a gap. */
export interface Log {
	/** Oldest first. */
	events: readonly Seen[];
	/** How many events the session has: the place of the newest one. */
	total: number;
}

export const EMPTY: Log = { events: [], total: 0 };

/** Adds events after the newest one. Those that are there already are left out. */
export function withNews({ events, total }: Log, news: readonly Seen[]): Log {
	const added = news.filter(({ position }) => position > total);
	const last = added.at(-1);
	return last ? { events: [...events, ...added], total: last.position } : { events, total };
}

/** Adds events before the oldest one. */
export function withPast({ events, total }: Log, past: readonly Seen[]): Log {
	const first = events[0]?.position ?? Number.POSITIVE_INFINITY;
	const added = past.filter(({ position }) => position < first);
	return { events: [...added, ...events], total: Math.max(total, added.at(-1)?.position ?? 0) };
}

/** Whether the page has all events of the session. */
export const isWhole = ({ events, total }: Log): boolean => events.length === total;

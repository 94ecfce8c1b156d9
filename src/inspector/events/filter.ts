import type { Seen } from '../model/seen.ts';
import type { Stretch } from '../model/time-scale.ts';

/** Which events are listed. */
export interface Filter {
	/** One type, or FAILURES. */
	type: string | undefined;
	text: string | undefined;
	range: Stretch | undefined;
}

/** Stands for all types: only the events that tell of failures. No type has a line break. */
export const FAILURES = '\nfailures';

const has = (text: string | null | undefined, sought: string): boolean =>
	text?.toLowerCase().includes(sought) ?? false;

/** The events that a filter lets through. The same array when it lets all through. */
export function filtered(events: readonly Seen[], { type, text, range }: Filter): readonly Seen[] {
	const sought = text?.trim().toLowerCase() ?? '';
	if (type === undefined && sought === '' && range === undefined) return events;
	return events.filter((event) => {
		if (range && (event.time < range.from || event.time > range.to)) return false;
		if (type === FAILURES ? event.failure === undefined : type !== undefined && event.type !== type)
			return false;
		if (sought === '') return true;
		return (
			has(event.type, sought) ||
			has(event.stage ?? event.named, sought) ||
			has(event.message ?? event.gist, sought) ||
			has(event.failure, sought)
		);
	});
}

/** The types of events with how many there are of each, the most frequent first. */
export function typesIn(events: readonly Seen[]): [type: string, count: number][] {
	const counts = new Map<string, number>();
	for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
	return [...counts].sort(([, a], [, b]) => b - a);
}

import { useEffect, useState } from 'preact/hooks';
import { isFinal } from '../model/verdict.ts';
import type { Connect } from '../service.ts';
import type { ListedSession } from './read.ts';
import { readTitle } from './read-title.ts';

/** How often the latest event of a session in view is looked up. */
const LOOK_MS = 10_000;

/** What the list itself does not tell of a session. */
interface Facts {
	title: string | undefined;
	/** When its latest event happened. */
	lastEventAt: string | undefined;
}

interface Kept extends Facts {
	/** Of the session when its title was read: one without a title may get one. */
	titledAt: string | undefined;
	lookedAt: number;
}

const MAX_KEPT = 500;
const kept = new Map<string, Kept>();

/** What people call a session, for the search of the list. */
export const knownTitle = (id: string): string | undefined => kept.get(id)?.title;

function keep(id: string, changes: Partial<Kept>): void {
	const before = kept.get(id) ?? {
		title: undefined,
		lastEventAt: undefined,
		titledAt: undefined,
		lookedAt: 0,
	};
	kept.delete(id);
	kept.set(id, { ...before, ...changes });
	const [oldest] = kept.keys();
	if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

/**
 * Reads the title and the latest event of a session while its row is in view. `updatedAt` does not tell of events, so a busy
 * session would look idle.
 */
export function useFacts(
	connect: Connect,
	{ id, status, updatedAt }: ListedSession,
	row: { current: Element | null },
): Facts {
	const [, setRead] = useState(0);
	const isSeen = useSeen(row);
	useEffect(() => {
		if (!isSeen) return;
		const stop = new AbortController();
		const { signal } = stop;
		let timer: ReturnType<typeof setTimeout> | undefined;
		async function read(): Promise<void> {
			const known = kept.get(id);
			if (known?.title === undefined && known?.titledAt !== updatedAt) {
				keep(id, { title: await readTitle(connect, id, signal), titledAt: updatedAt });
			}
			const isDue = Date.now() - (kept.get(id)?.lookedAt ?? 0) >= LOOK_MS - 100;
			if (isDue && !document.hidden) {
				const { data } = await connect().events(id, { order: 'desc', limit: 1, signal, maxRetries: 0 });
				keep(id, { lastEventAt: data[0]?.createdAt, lookedAt: Date.now() });
			}
			setRead(Date.now());
			if (!isFinal(status)) timer = setTimeout(() => void read().catch(later), LOOK_MS);
		}
		// The list itself says what is wrong.
		const later = () => {
			if (!signal.aborted) timer = setTimeout(() => void read().catch(later), LOOK_MS);
		};
		void read().catch(later);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [connect, id, status, updatedAt, isSeen]);
	const { title, lastEventAt } = kept.get(id) ?? {};
	return { title, lastEventAt };
}

/** Whether an element is in view. */
function useSeen(element: { current: Element | null }): boolean {
	const [isSeen, setSeen] = useState(false);
	useEffect(() => {
		if (!element.current) return;
		const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? false));
		observer.observe(element.current);
		return () => observer.disconnect();
	}, [element]);
	return isSeen;
}

import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { type OpenedSession, wrappedD1 } from './wrapped-d1.ts';

/** A D1 binding that can fall silent: it runs statements or keeps them, and sends no result. */
export interface SilentD1 {
	d1: D1Database;
	/** What happens to the statements of a trip meanwhile. Undefined: D1 is not silent. */
	silence: 'keeps them' | 'runs them' | undefined;
	/** Ends the silence: the statements that were kept run now, and every trip gets its result. */
	speak(): Promise<void>;
	/** The D1 session of each round trip. */
	sessions: OpenedSession[];
}

/** Whether the work that has just begun gets no answer. The timer of its deadline starts in the same turn of the event loop. */
let isUnanswered = false;

/** Work that never gets an answer. */
export function unanswered(): Promise<never> {
	isUnanswered = true;
	return new Promise(() => {});
}

/** Wraps a real D1. */
export function silentD1(real: D1Database = env.DB): SilentD1 {
	let late: (() => Promise<unknown>)[] = [];
	const silent: SilentD1 = {
		d1: real,
		silence: undefined,
		sessions: [],
		async speak() {
			silent.silence = undefined;
			const waiting = late;
			late = [];
			for (const run of waiting) await run();
		},
	};
	silent.d1 = wrappedD1(real, async (_, work, session) => {
		silent.sessions.push(session);
		isUnanswered = silent.silence !== undefined;
		if (silent.silence === undefined) return work();
		const results = silent.silence === 'runs them' ? await work() : undefined;
		return new Promise((resolve, reject) => {
			late.push(async () => {
				if (results) return resolve(results);
				await work().then(resolve, reject);
			});
		});
	});
	return silent;
}

/** The timers of deadlines: they are of three seconds and more, and other timers of the service are shorter. */
const isDeadline = (wait: number): boolean => wait >= 3_000 && wait <= 10_000;

/** A timer of a deadline: how long it wanted to wait in milliseconds, and how it ended. */
interface Timer {
	wait: number;
	isCleared: boolean;
	isOver: boolean;
}

/**
 * Makes the deadlines of what gets no answer a hundred times shorter, and returns the timers of all deadlines. What gets an answer has
 * the usual time for it, because a slow machine needs it.
 */
export function shortDeadlines(): Timer[] {
	const timers: (Timer & { id: unknown })[] = [];
	const { setTimeout: start, clearTimeout: clear } = globalThis;
	vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, wait = 0) => {
		if (!isDeadline(wait)) return start(work, wait);
		const timer = { wait, isCleared: false, isOver: false, id: undefined as unknown };
		const isShort = isUnanswered;
		isUnanswered = false;
		timer.id = start(
			() => {
				timer.isOver = true;
				work();
			},
			wait / (isShort ? 100 : 1),
		);
		timers.push(timer);
		return timer.id;
	}) as typeof setTimeout);
	vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((id: Parameters<typeof clear>[0]) => {
		const timer = timers.find((each) => each.id === id);
		if (timer) timer.isCleared = true;
		clear(id);
	}) as typeof clearTimeout);
	return timers;
}

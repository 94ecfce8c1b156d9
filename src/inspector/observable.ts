import { useEffect, useState } from 'preact/hooks';
import type { Clock } from './model/clock.ts';

const HIDDEN_MS = 1000;
/** Nobody reads faster, and a busy session changes twenty times a second. */
const PAUSE_MS = 150;

/** A value that changes, and those who want to know of it. */
export interface Store<T> {
	get(): T;
	subscribe(onChange: () => void): () => void;
}

export interface WritableStore<T> extends Store<T> {
	/** Replaces some members of the value. Subscribers are told at most every PAUSE_MS, and once for all changes until then. */
	set(changes: Partial<T>): void;
}

export function newStore<T extends object>(initial: T): WritableStore<T> {
	let value = initial;
	let isTelling = false;
	let toldAt = 0;
	const subscribers = new Set<() => void>();
	return {
		get: () => value,
		subscribe(onChange) {
			subscribers.add(onChange);
			return () => subscribers.delete(onChange);
		},
		set(changes) {
			value = { ...value, ...changes };
			if (isTelling) return;
			isTelling = true;
			const tellAll = () => {
				isTelling = false;
				toldAt = performance.now();
				for (const tell of subscribers) tell();
			};
			// A hidden tab gets no frame. Its title still says what is going on.
			if (document.hidden) setTimeout(tellAll, HIDDEN_MS);
			else setTimeout(() => requestAnimationFrame(tellAll), toldAt + PAUSE_MS - performance.now());
		},
	};
}

/** The value of a store; the component is rendered again when it changes. */
export function useStore<T>(store: Store<T>): T {
	const [, setValue] = useState(store.get);
	useEffect(() => {
		const read = () => setValue(store.get);
		read();
		return store.subscribe(read);
	}, [store]);
	return store.get();
}

/** The service's time, in epoch milliseconds; the component is rendered again at each step. */
export function useNow(clock: Clock, stepMs: number): number {
	const [, setNow] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => setNow(clock.now()), stepMs);
		return () => clearInterval(timer);
	}, [clock, stepMs]);
	return clock.now();
}

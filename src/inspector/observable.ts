import { useEffect, useState } from 'preact/hooks';

/** A value that changes, and those who want to know of it. */
export interface Store<T> {
	get(): T;
	subscribe(onChange: () => void): () => void;
}

export interface WritableStore<T> extends Store<T> {
	/** Replaces some members of the value. Subscribers are told once for all changes of one frame. */
	set(changes: Partial<T>): void;
}

export function newStore<T extends object>(initial: T): WritableStore<T> {
	let value = initial;
	let isTelling = false;
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
			// A hidden tab gets no frame, and shows everything with its next one.
			requestAnimationFrame(() => {
				isTelling = false;
				for (const tell of subscribers) tell();
			});
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

/** The time, in epoch milliseconds; the component is rendered again at each step. */
export function useNow(stepMs: number): number {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), stepMs);
		return () => clearInterval(timer);
	}, [stepMs]);
	return now;
}

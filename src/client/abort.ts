/**
 * The callbacks of each signal. They share one listener, because Node warns of a leak when a signal has more than ten, and
 * a program may make many calls with one signal.
 */
const callbacks = /* @__PURE__ */ new WeakMap<AbortSignal, Listening>();

interface Listening {
	all: Set<() => void>;
	listener(): void;
}

/**
 * Calls back once when a signal aborts, at once when it has. Returns a function that takes the callback back, and leaves nothing on the signal
 * when it was the last one.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
	if (signal === undefined) return () => {};
	if (signal.aborted) {
		callback();
		return () => {};
	}
	const { all, listener } = callbacks.get(signal) ?? listenTo(signal);
	all.add(callback);
	return () => {
		if (!all.delete(callback) || all.size > 0) return;
		signal.removeEventListener('abort', listener);
		callbacks.delete(signal);
	};
}

function listenTo(signal: AbortSignal): Listening {
	const all = new Set<() => void>();
	const listening = {
		all,
		listener() {
			callbacks.delete(signal);
			for (const each of all) each();
		},
	};
	signal.addEventListener('abort', listening.listener, { once: true });
	callbacks.set(signal, listening);
	return listening;
}

/**
 * Waits for `work`. Throws the reason of the signal when that aborts first, and `late()` after so many milliseconds. It
 * does not rely on the work to stop: not every implementation of fetch stops when its signal aborts.
 */
export function within<T>(
	work: Promise<T>,
	milliseconds: number,
	signal: AbortSignal | undefined,
	late: () => Error,
): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => {
			forget();
			reject(late());
		}, milliseconds);
		const forget = onAbort(signal, () => {
			clearTimeout(timer);
			reject(signal?.reason);
		});
		work
			.finally(() => {
				clearTimeout(timer);
				forget();
			})
			.then(resolve, reject);
	});
}

/** Waits. Throws the signal's reason as soon as it aborts. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
	return new Promise((resolve, reject) => {
		signal?.throwIfAborted();
		const timer = setTimeout(() => {
			forget();
			resolve();
		}, milliseconds);
		const forget = onAbort(signal, () => {
			clearTimeout(timer);
			reject(signal?.reason);
		});
	});
}

import { useEffect, useRef } from 'preact/hooks';

/**
 * Does something at once, and again and again while the page is in view. `pauseMs` says how long after it was done. It begins
 * anew when one of the dependencies changes, and its signal ends then. Returns a function that does it now.
 */
export function useRepeated(
	action: (signal: AbortSignal) => Promise<void>,
	pauseMs: () => number,
	dependencies: readonly unknown[],
): () => void {
	const now = useRef(() => {});
	useEffect(() => {
		const stop = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		let rounds = 0;
		async function repeat(): Promise<void> {
			rounds += 1;
			const round = rounds;
			if (!document.hidden) await action(stop.signal);
			// Unless it has begun anew meanwhile.
			if (!stop.signal.aborted && round === rounds) timer = setTimeout(repeat, pauseMs());
		}
		now.current = () => {
			if (document.hidden) return;
			clearTimeout(timer);
			void repeat();
		};
		const comeIntoView = () => now.current();
		document.addEventListener('visibilitychange', comeIntoView);
		void repeat();
		return () => {
			document.removeEventListener('visibilitychange', comeIntoView);
			clearTimeout(timer);
			stop.abort();
		};
	}, dependencies);
	return () => now.current();
}

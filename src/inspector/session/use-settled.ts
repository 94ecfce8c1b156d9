import { useEffect, useRef, useState } from 'preact/hooks';

/** A value that changes at most so often: what takes long to draw need not follow each change. */
export function useSettled<T>(value: T, pauseMs: number): T {
	const [settled, setSettled] = useState(value);
	const latest = useRef(value);
	latest.current = value;
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
	const changedAt = useRef(0);
	useEffect(() => {
		if (value === settled || timer.current !== undefined) return;
		const waitMs = Math.max(0, changedAt.current + pauseMs - performance.now());
		timer.current = setTimeout(() => {
			timer.current = undefined;
			changedAt.current = performance.now();
			setSettled(latest.current);
		}, waitMs);
	}, [value, settled]);
	useEffect(() => () => clearTimeout(timer.current), []);
	return settled;
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Seen } from '../model/seen.ts';
import { AXIS_HEIGHT } from './axis.tsx';
import type { Row } from './lane-row.tsx';
import { ROW } from './paths.ts';

/** After somebody has scrolled, the list of stages stays there for a while. */
const STAYS_MS = 15_000;

/** Keeps the stage of the latest event in view, unless somebody has just scrolled. */
export function useLatestInView(
	box: { current: HTMLElement | null },
	rows: readonly Row[],
	latest: Seen | undefined,
	order: number,
	height: number,
): void {
	const scrolledAt = useRef(0);
	useEffect(() => {
		const { current } = box;
		const note = () => {
			scrolledAt.current = Date.now();
		};
		for (const name of ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const)
			current?.addEventListener(name, note, { passive: true });
	}, [box]);
	const at = latest ? rows.findIndex(({ lane }) => lane.events.at(-1) === latest) : -1;
	useEffect(() => {
		const { current } = box;
		if (!current || at === -1 || Date.now() - scrolledAt.current < STAYS_MS) return;
		const top = AXIS_HEIGHT + at * ROW;
		const isSeen =
			top - AXIS_HEIGHT >= current.scrollTop && top + ROW <= current.scrollTop + current.clientHeight;
		if (!isSeen) current.scrollTop = top + 2 * ROW - current.clientHeight;
	}, [box, at, order, height]);
}

/** The size of an element, as it changes. */
export function useBoxSize(element: { current: HTMLElement | null }): { width: number; height: number } {
	const [size, setSize] = useState({ width: 600, height: 200 });
	useEffect(() => {
		if (!element.current) return;
		const observer = new ResizeObserver(([entry]) => {
			if (!entry) return;
			const { width, height } = entry.contentRect;
			setSize({ width: Math.floor(width), height: Math.floor(height) });
		});
		observer.observe(element.current);
		return () => observer.disconnect();
	}, [element]);
	return size;
}

/** Whether the page is being printed. */
export function usePrinting(): boolean {
	const [isPrinting, setPrinting] = useState(false);
	useEffect(() => {
		const media = matchMedia('print');
		const changed = () => setPrinting(media.matches);
		media.addEventListener('change', changed);
		return () => media.removeEventListener('change', changed);
	}, []);
	return isPrinting;
}

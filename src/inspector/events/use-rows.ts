import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Seen } from '../model/seen.ts';

/** The height of each row in pixels; the style sheet says the same. */
export const ROW = 28;
/** Rows that are drawn above and below those in view. */
const SPARE = 8;

/** Which rows of a long list are drawn, and where it stands. */
export interface Rows {
	/** The first row that is drawn, and the one after the last. */
	first: number;
	end: number;
	perPage: number;
	/** Whether the list moves on when events arrive. */
	isFollowing: boolean;
	/** How many rows have arrived below since the list was paused. */
	unseen: number;
	follow(): void;
	/** Stops at a row. */
	reveal(index: number): void;
	on: {
		onScroll(event: { currentTarget: HTMLElement }): void;
		onPointerEnter(): void;
		onPointerLeave(): void;
		onPointerDown(): void;
	};
}

/**
 * Draws the rows in view, and follows the end of the list. It stops while the pointer is over the list, so that nobody clicks on a
 * row that moves away, and while somebody looks at earlier rows. `newest` is the latest event of all.
 */
export function useRows(box: { current: HTMLElement | null }, rows: readonly Seen[], newest: number): Rows {
	const [view, setView] = useState({ top: 0, height: 300 });
	const [isAtEnd, setAtEnd] = useState(true);
	const [isHeld, setHeld] = useState(false);
	const isFollowing = isAtEnd && !isHeld;
	/** The latest event when the list was paused. */
	const seen = useRef(newest);
	if (isFollowing) seen.current = newest;
	const firstPosition = useRef(rows[0]?.position);
	/** Where the list was last known to be. */
	const lastTop = useRef(0);

	useLayoutEffect(() => {
		const { current } = box;
		if (!current) return;
		// The past arrives above: what somebody looks at stays where it is.
		const before = firstPosition.current;
		firstPosition.current = rows[0]?.position;
		const added = before === undefined ? 0 : rows.findIndex(({ position }) => position >= before);
		if (isFollowing) current.scrollTop = current.scrollHeight;
		else if (added > 0) current.scrollTop += added * ROW;
		lastTop.current = current.scrollTop;
	}, [rows, isFollowing, view.height]);

	useEffect(() => {
		const { current } = box;
		if (!current) return;
		const observer = new ResizeObserver(([entry]) => {
			if (entry) setView((before) => ({ ...before, height: entry.contentRect.height }));
		});
		observer.observe(current);
		return () => observer.disconnect();
	}, [box]);

	// A touch holds the list for as long as somebody needs to find a row.
	useEffect(() => {
		if (!isHeld || matchMedia('(hover: hover)').matches) return;
		const timer = setTimeout(() => setHeld(false), 5000);
		return () => clearTimeout(timer);
	}, [isHeld]);

	return {
		first: Math.max(0, Math.floor(view.top / ROW) - SPARE),
		end: Math.ceil((view.top + view.height) / ROW) + SPARE,
		perPage: Math.max(1, Math.floor(view.height / ROW) - 1),
		isFollowing,
		unseen: newest - seen.current,
		follow() {
			setHeld(false);
			setAtEnd(true);
		},
		reveal(index) {
			const { current } = box;
			if (!current) return;
			const top = index * ROW;
			setAtEnd(index >= rows.length - 1);
			if (top < current.scrollTop) current.scrollTop = top;
			else if (top + ROW > current.scrollTop + current.clientHeight) {
				current.scrollTop = top + ROW - current.clientHeight;
			}
		},
		on: {
			onScroll({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) {
				setView({ top: scrollTop, height: clientHeight });
				// A list that gets lower is not at its end either, although nobody has moved it.
				const isMovedUp = scrollTop < lastTop.current;
				lastTop.current = scrollTop;
				const missing = scrollHeight - scrollTop - clientHeight;
				if (isHeld && missing <= ROW * (2 + newest - seen.current)) return;
				if (missing <= ROW) setAtEnd(true);
				else if (isMovedUp) setAtEnd(false);
			},
			onPointerEnter: () => setHeld(true),
			onPointerLeave: () => setHeld(false),
			onPointerDown: () => setHeld(true),
		},
	};
}

import { useState } from 'preact/hooks';

/** What somebody drags over, in pixels from the left. */
export interface Drag {
	from: number;
	to: number;
}

/** Shorter movements are clicks. */
const CLICK = 5;

/** Tells of drags and clicks over an element. On a touch screen a movement up or down scrolls as usual. */
export function useDrag(onDrag: (from: number, to: number) => void, onClick: (x: number, y: number) => void) {
	const [drag, setDrag] = useState<Drag>();
	function grabbed(event: PointerEvent & { currentTarget: HTMLElement }): void {
		if (event.button !== 0) return;
		const { currentTarget } = event;
		const bounds = currentTarget.getBoundingClientRect();
		const placeOf = ({ clientX }: PointerEvent) => Math.min(bounds.width, Math.max(0, clientX - bounds.left));
		const from = placeOf(event);
		currentTarget.setPointerCapture(event.pointerId);
		const end = new AbortController();
		const on = (name: 'pointermove' | 'pointerup' | 'pointercancel', listen: (event: PointerEvent) => void) =>
			currentTarget.addEventListener(name, listen, { signal: end.signal });
		on('pointermove', (later) => {
			if (Math.abs(placeOf(later) - from) >= CLICK) setDrag({ from, to: placeOf(later) });
		});
		on('pointercancel', () => {
			end.abort();
			setDrag(undefined);
		});
		on('pointerup', (later) => {
			end.abort();
			setDrag(undefined);
			const to = placeOf(later);
			if (Math.abs(to - from) >= CLICK) onDrag(Math.min(from, to), Math.max(from, to));
			else onClick(from, later.clientY - currentTarget.getBoundingClientRect().top);
		});
	}
	return { drag, grabbed };
}

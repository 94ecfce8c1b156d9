import { useState } from 'preact/hooks';

/** A size that somebody has chosen, in pixels or percent. It is kept in this browser. */
export function useSize(name: string, atFirst: number, least: number, most: number): Size {
	const item = `inspector.size.${name}`;
	const [value, setValue] = useState(() => limited(Number(localStorage.getItem(item)) || atFirst));
	function limited(wanted: number): number {
		return Math.min(most, Math.max(least, wanted));
	}
	return {
		value,
		least,
		most,
		set(wanted) {
			setValue(limited(wanted));
			localStorage.setItem(item, String(Math.round(limited(wanted))));
		},
		reset() {
			setValue(atFirst);
			localStorage.removeItem(item);
		},
	};
}

export interface Size {
	value: number;
	least: number;
	most: number;
	set(value: number): void;
	reset(): void;
}

/**
 * A line between two parts of the page that one drags, or moves by the arrow keys. A double click brings it back. The libraries
 * for dividers need React, or cannot be used by keyboard.
 */
export function Divider({
	label,
	size,
	direction,
	perPixel = () => 1,
}: {
	label: string;
	size: Size;
	/** `columns` are beside each other. */
	direction: 'columns' | 'rows';
	/** How much the size grows for each pixel: for a size that is a share of its parent. */
	perPixel?: (separator: HTMLElement) => number;
}) {
	const isColumns = direction === 'columns';
	const place = (event: PointerEvent) => (isColumns ? event.clientX : event.clientY);
	function grabbed(event: PointerEvent & { currentTarget: HTMLElement }): void {
		const { currentTarget } = event;
		event.preventDefault();
		currentTarget.setPointerCapture(event.pointerId);
		const [start, value, scale] = [place(event), size.value, perPixel(currentTarget)];
		const moved = (later: PointerEvent) => size.set(value + (place(later) - start) * scale);
		const end = new AbortController();
		currentTarget.addEventListener('pointermove', moved, { signal: end.signal });
		for (const name of ['pointerup', 'pointercancel'] as const)
			currentTarget.addEventListener(name, () => end.abort(), { signal: end.signal });
	}
	function pressed(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
		const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
		if (step === undefined) return;
		event.preventDefault();
		size.set(size.value + step * 24 * perPixel(event.currentTarget));
	}
	return (
		// biome-ignore lint/a11y/useSemanticElements: A separator that moves is no thematic break.
		<div
			class={`divider ${direction}`}
			role="separator"
			tabIndex={0}
			aria-label={label}
			aria-orientation={isColumns ? 'vertical' : 'horizontal'}
			aria-valuenow={Math.round(size.value)}
			aria-valuemin={size.least}
			aria-valuemax={size.most}
			onPointerDown={grabbed}
			onKeyDown={pressed}
			onDblClick={size.reset}
		/>
	);
}

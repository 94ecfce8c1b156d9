import type { Frame, FrameChange } from '../../support/broken-server/frames.ts';

type Fits = (frame: Frame) => boolean;

export const ofKind =
	(kind: string): Fits =>
	({ event }) =>
		event === kind;

export const dropping = (fits: Fits) => () => (frame: Frame) => (fits(frame) ? [] : [frame]);

/** Changes the frames of one kind. `at` counts them from 0. */
export const onKind = (kind: string, change: (frame: Frame, at: number) => Frame[]) => (): FrameChange => {
	let at = 0;
	return (frame) => (frame.event === kind ? change(frame, at++) : [frame]);
};
export const onEvents = (change: (frame: Frame, at: number) => Frame[]) => onKind('event', change);

/** Changes the text of the data of the frames of one kind. */
export const onData = (kind: string, change: (data: string) => string) =>
	onKind(kind, (frame) => [{ ...frame, data: change(frame.data ?? '') }]);

/** Holds a frame back until one of the other kind comes, which it sends first. */
export const swapping = (first: Fits, second: Fits) => (): FrameChange => {
	let held: Frame[] = [];
	return (frame) => {
		if (held.length > 0 && second(frame)) {
			const both = [frame, ...held];
			held = [];
			return both;
		}
		if (!first(frame)) return [frame];
		held.push(frame);
		return [];
	};
};

/** A chunk of a stream, and the number of its events. */
export interface Piece {
	text: string;
	events: number;
}

/** Characters in one chunk of the stream, unless a single event is larger. */
export const MAX_PIECE = 64 * 1024;

/** Frames that are no events, as one chunk. */
export const pieceOf = (frames: string): Piece => ({ text: frames, events: 0 });

/** Cuts frames into chunks, between code points, so that each can be encoded by itself. */
export function* piecesOf(frames: string): Generator<Piece> {
	for (let from = 0; from < frames.length; ) {
		const isCut = from + MAX_PIECE < frames.length;
		const endsInPair = isCut && (frames.codePointAt(from + MAX_PIECE - 1) ?? 0) > 0xffff;
		const to = from + MAX_PIECE + (endsInPair ? 1 : 0);
		yield pieceOf(frames.slice(from, to));
		from = to;
	}
}

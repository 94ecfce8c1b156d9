import { limits } from '../core/limits.ts';
import { inBatches, isWhole } from '../database/in-batches.ts';
import { columnOf, isObjectField, objectFieldsOf, type SessionField } from './fields.ts';
import type { SizedSession } from './list-store.ts';

/** A session of a list. An object is JSON text, or UTF-8 bytes of it that are valid until the next batch. */
export type LoadedSession = SizedSession<string | Uint8Array>;

/** Reads fields of sessions. Returns the sessions in any order, and omits those that are gone. */
export type LoadFields = (
	missing: readonly LoadedSession[],
	fields: readonly SessionField[],
) => Promise<SizedSession[]>;

/**
 * The stored content in a small round trip, in bytes: the largest object. V8 soon frees the strings of such a trip. Those
 * of a larger one outlive V8's young generation, which starts with 1 MB. They stay until a full collection, and V8 puts
 * that off until an isolate has some 80 MB.
 */
const BYTES_OF_A_SMALL_TRIP = limits.storedObject;

/**
 * Yields the sessions of a page in their order, in batches, each session whole. It calls `read` when the consumer asks
 * for a batch. A session that is larger than a small trip is read in pieces. If it changes between two of them, it is read
 * again in one trip, so that it is always of one version.
 *
 * Without the pieces, `npm run test:long` sees peaks of 194 and 224 MB instead of less than 100. A Worker has 128.
 */
export function loadSessions(
	rows: readonly SizedSession[],
	fields: readonly SessionField[],
	read: LoadFields,
): AsyncGenerator<LoadedSession[], void, undefined> {
	let space = new Uint8Array(0);
	const readSome = async (missing: readonly LoadedSession[]): Promise<readonly LoadedSession[]> => {
		const [only, another] = missing;
		const pieces = only && !another ? piecesOf(only, fields) : [];
		if (!only || pieces.length < 2) return read(missing, fields);
		const bytes = pieces.reduce((all, { size }) => all + size, 0);
		if (space.length < bytes) space = new Uint8Array(Math.max(bytes, ...rows.map(({ size }) => size)));
		const session = await readInPieces(only, pieces, read, space);
		return session ? [session] : read([{ ...only, size: Number.MAX_SAFE_INTEGER }], fields);
	};
	return inBatches(rows, readSome, BYTES_OF_A_SMALL_TRIP);
}

/** Fields of a session that are read at once, with the bytes of the objects among them. */
interface Piece {
	fields: SessionField[];
	size: number;
}

/** All fields, in pieces that fit a small trip. The fields without an object are in the first one. */
function piecesOf({ sizes }: LoadedSession, fields: readonly SessionField[]): Piece[] {
	const objects = objectFieldsOf(fields);
	let piece: Piece = { fields: fields.filter((field) => !isObjectField(field)), size: 0 };
	const pieces = [piece];
	for (const [at, field] of objects.entries()) {
		const size = sizes[at] ?? 0;
		if (piece.size > 0 && piece.size + size > BYTES_OF_A_SMALL_TRIP) {
			piece = { fields: [], size: 0 };
			pieces.push(piece);
		}
		piece.fields.push(field);
		piece.size += size;
	}
	return pieces;
}

/**
 * Reads a session in pieces, and returns undefined if it changed between two of them. The objects are encoded into
 * `space`, because V8 frees strings late when they outlive a few trips.
 */
async function readInPieces(
	session: LoadedSession,
	pieces: readonly Piece[],
	read: LoadFields,
	space: Uint8Array,
): Promise<LoadedSession | undefined> {
	let whole: LoadedSession | undefined;
	let filled = 0;
	for (const { fields, size } of pieces) {
		const [part] = await read([{ ...session, size }], fields);
		if (!part || !isWhole(part) || (whole && whole.version !== part.version)) return undefined;
		whole = { ...part, ...whole };
		for (const field of objectFieldsOf(fields)) {
			const column = columnOf[field];
			const text = part[column];
			if (typeof text !== 'string') continue;
			const { written } = encoder.encodeInto(text, space.subarray(filled));
			whole[column] = space.subarray(filled, filled + written);
			filled += written;
		}
	}
	return whole;
}

const encoder = new TextEncoder();

import * as z from 'zod';
import { limits } from '../core/limits.ts';
import {
	CLOSE_ARRAY,
	CLOSE_OBJECT,
	COLON,
	type Cursor,
	expectChar,
	expectEnd,
	goesOn,
	isEmptyAfterOpening,
	nextChar,
	OPEN_ARRAY,
	OPEN_OBJECT,
	skipScalar,
	skipString,
	skipValue,
} from './cursor.ts';
import { jsonText, TOO_DEEP } from './json-text.ts';
import { readStoredForm } from './stored-form.ts';

/**
 * Reads the part of a JSON text that its schema defines: without unknown members, and with JsonText in place of each
 * object that the schema takes whole, or TOO_DEEP. The rest is checked and skipped. The caller validates the result.
 * `bytes` is the size of the text in UTF-8. The work is in proportion to the text, whatever it contains.
 * Throws INVALID_JSON.
 */
export function readJson(schema: z.core.$ZodType, text: string, bytes: number): unknown {
	const cursor = { text, at: 0 };
	const value = readValue(schema, cursor, bytes);
	expectEnd(cursor);
	return value;
}

/** A value that does not have the type of its schema stays what it is, but an object or array loses its content. */
function readValue(schema: z.core.$ZodType, cursor: Cursor, bytes: number): unknown {
	const known = withoutWrappers(schema);
	const char = nextChar(cursor);
	if (char === OPEN_OBJECT) {
		if (known instanceof z.ZodCustom) {
			const stored = readStoredForm(cursor, limits.nesting);
			return stored === undefined ? TOO_DEEP : jsonText(stored, bytes);
		}
		if (known instanceof z.ZodObject) return readMembers(known, cursor, bytes);
		skipValue(cursor);
		return {};
	}
	if (char === OPEN_ARRAY) {
		if (known instanceof z.ZodArray) return readItems(known, cursor, bytes);
		skipValue(cursor);
		return [];
	}
	const start = cursor.at;
	skipScalar(cursor, char);
	return JSON.parse(cursor.text.slice(start, cursor.at));
}

/** Of members with the same name the last one counts. */
function readMembers({ shape }: z.ZodObject, cursor: Cursor, bytes: number): Record<string, unknown> {
	const members: Record<string, unknown> = {};
	if (isEmptyAfterOpening(cursor, CLOSE_OBJECT)) return members;
	do {
		const name = readName(cursor);
		const member = Object.hasOwn(shape, name) ? shape[name] : undefined;
		if (member) members[name] = readValue(member, cursor, bytes);
		else skipValue(cursor);
	} while (goesOn(cursor, CLOSE_OBJECT));
	return members;
}

/** The name of a member. One that needs escapes keeps them, because no schema has such a name. */
function readName(cursor: Cursor): string {
	nextChar(cursor);
	const start = cursor.at;
	const isShortest = skipString(cursor);
	const written = cursor.text.slice(start, cursor.at);
	expectChar(cursor, COLON);
	return isShortest ? written.slice(1, -1) : JSON.parse(written);
}

/** One item more than the maximum makes the validation fail, and bounds the number of problems to find. */
const MAX_ITEMS = limits.eventsOfStep + 1;

function readItems({ element }: z.ZodArray, cursor: Cursor, bytes: number): unknown[] {
	const items: unknown[] = [];
	if (isEmptyAfterOpening(cursor, CLOSE_ARRAY)) return items;
	do {
		if (items.length < MAX_ITEMS) items.push(readValue(element, cursor, bytes));
		else skipValue(cursor);
	} while (goesOn(cursor, CLOSE_ARRAY));
	return items;
}

function withoutWrappers(schema: z.core.$ZodType): z.core.$ZodType {
	return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
		? withoutWrappers(schema.unwrap())
		: schema;
}

import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { ApiError } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';
import { appendSchema } from '../../src/events/schema.ts';
import { countMembers, mergePatch } from '../../src/json/merge-patch.ts';
import { readJson } from '../../src/json/read.ts';
import { readStoredForm } from '../../src/json/stored-form.ts';
import { sessionKeyRequestSchema } from '../../src/session-keys/schema.ts';
import { createSchema, mergePatchSchema, updateSchema } from '../../src/sessions/schema.ts';
import { stepSchema } from '../../src/steps/schema.ts';
import { countedWork } from '../support/counted-work.ts';

/** Each shape is a value of about `size` characters. */
const SHAPES: Record<string, (size: number) => string> = {
	'a long string': (size) => `"${'x'.repeat(size)}"`,
	'a string of backslashes': (size) => `"${'\\\\'.repeat(size / 2)}"`,
	'a string of escaped quotes': (size) => `"${'\\"'.repeat(size / 2)}"`,
	'a string of needless escapes': (size) => `"${'\\u0041\\/'.repeat(size / 8)}"`,
	'a long number': (size) => `-${'1'.repeat(size)}`,
	'many numbers': (size) => listOf('0', size),
	'many numbers and white space': (size) => listOf(' 0\t', size),
	'white space alone': (size) => `[${' \n'.repeat(size / 2)}]`,
	'many strings': (size) => listOf('""', size),
	'many strings with needless escapes': (size) => listOf('"\\/"', size),
	'many words': (size) => listOf('null', size),
	'many empty arrays': (size) => listOf('[]', size),
	'many empty objects': (size) => listOf('{}', size),
	'many objects with duplicate members': (size) => listOf('{"":0,"":0}', size),
	'many members': (size) => membersOf((index) => `"m${index}":0`, size),
	'many members with the names of integers': (size) => membersOf((index) => `"${index * 65_536}":0`, size),
	'many duplicate members': (size) => membersOf(() => '"":0', size),
	'many members named __proto__': (size) => membersOf(() => '"__proto__":{"":0}', size),
	'nested arrays': (size) => nested('[', '0', ']', size),
	'nested arrays with an item after each': (size) => nested('[', '0', ',1]', size),
	'nested arrays with an item before each': (size) => nested('[1,', '0', ']', size),
	'nested arrays with an empty one before each': (size) => nested('[[],', '0', ']', size),
	'nested arrays with white space': (size) => nested('[ ', '0', ' ]', size),
	'nested objects': (size) => nested('{"a":', '0', '}', size),
	'nested objects with a member after each': (size) => nested('{"a":', '0', ',"b":1}', size),
	'nested objects with a duplicate member': (size) => nested('{"a":1,"a":', '0', '}', size),
	'nested objects with a duplicate member after each': (size) => nested('{"a":', '0', ',"a":1}', size),
	'nested objects and arrays with siblings': (size) => nested('[{},{"a":', '0', '}]', size),
	'nested objects with a needless escape': (size) => nested('{"\\u0061":', '0', '}', size),
	'many values nested 98 deep': (size) => listOf(nested('[', '0', ']', 196), size),
	'many values nested 98 deep with white space': (size) => listOf(nested('[', '0 ', ']', 196), size),
	'many values nested 95 deep with duplicates': (size) => listOf(nested('{"":1,"":', '0', '}', 950), size),
	'a value nested 98 deep with long siblings': (size) =>
		nested(`["${'x'.repeat(size / 98)}",`, '0', ' ]', size),
	'brackets that are never closed': (size) => '['.repeat(size),
	'objects that are never closed': (size) => '{"":'.repeat(size / 4),
	'a string that is never closed': (size) => `"${'\\"'.repeat(size / 2)}`,
	'brackets that close nothing': (size) => `[${']'.repeat(size)}`,
};

function listOf(item: string, size: number): string {
	return `[${new Array(Math.ceil(size / (item.length + 1))).fill(item).join(',')}]`;
}

function membersOf(member: (index: number) => string, size: number): string {
	const members: string[] = [];
	for (let length = 0; length < size; length += (members.at(-1)?.length ?? 0) + 1) {
		members.push(member(members.length));
	}
	return `{${members.join(',')}}`;
}

function nested(open: string, inner: string, close: string, size: number): string {
	const levels = Math.floor(size / (open.length + close.length));
	return open.repeat(levels) + inner + close.repeat(levels);
}

/** Each place puts values of a shape into a body of about `size` characters. */
const PLACES: Record<
	string,
	[schema: z.ZodType, body: (shape: (size: number) => string, size: number) => string]
> = {
	'as a whole body': [updateSchema, (shape, size) => shape(size)],
	'in an unknown member': [updateSchema, (shape, size) => `{"x":${shape(size)},"status":"intake"}`],
	'in an unknown member of a key': [sessionKeyRequestSchema, (shape, size) => `{"x":${shape(size)}}`],
	'in the number of a key': [sessionKeyRequestSchema, (shape, size) => `{"expiresInSeconds":${shape(size)}}`],
	'in the types of a key': [sessionKeyRequestSchema, (shape, size) => `{"append":${shape(size)}}`],
	'in a type of a key': [sessionKeyRequestSchema, (shape, size) => `{"append":["t",${shape(size)}]}`],
	'in place of an object': [createSchema, (shape, size) => `{"prd":${shape(size)}}`],
	'within an object': [mergePatchSchema, (shape, size) => `{"plan":{"a":${shape(size)}}}`],
	'within four objects': [
		mergePatchSchema,
		(shape, size) =>
			`{${['assemblyState', 'plan', 'prd', 'productObject'].map((name) => `"${name}":{"a":${shape(size / 4)}}`)}}`,
	],
	'within one object that is sent again and again': [
		updateSchema,
		(shape, size) => `{${new Array(50).fill(`"prd":{"a":${shape(size / 50)}}`).join(',')}}`,
	],
	'in the message of an event': [appendSchema, (shape, size) => `{"type":"t","message":${shape(size)}}`],
	'in the payload of an event': [
		appendSchema,
		(shape, size) => `{"type":"t","payload":{"a":${shape(size)}}}`,
	],
	'in place of events': [stepSchema, (shape, size) => `{"events":${shape(size)}}`],
	'in unknown members of a hundred events': [
		stepSchema,
		(shape, size) => `{"events":[${new Array(100).fill(`{"x":${shape(size / 100)},"type":"t"}`)}]}`,
	],
	'in the payloads of a hundred events': [
		stepSchema,
		(shape, size) => `{"events":[${new Array(100).fill(`{"payload":{"a":${shape(size / 100)}}}`)}]}`,
	],
	'in place of a hundred payloads': [
		stepSchema,
		(shape, size) => `{"events":[${new Array(100).fill(`{"payload":${shape(size / 100)}}`)}]}`,
	],
	'in the patch of a step': [
		stepSchema,
		(shape, size) => `{"patch":{"x":${shape(size)},"plan":{}},"events":[]}`,
	],
};

const SIZE = 20_000;
/** Characters read and written for each character of a body. */
const MOST_WORK = 8;

/** Reads a body, valid or not. */
function read(schema: z.ZodType, text: string): void {
	try {
		readJson(schema, text, text.length);
	} catch (error) {
		if (!(error instanceof ApiError && error.code === 'INVALID_JSON')) throw error;
	}
}

describe('the work of reading a body is in proportion to its size', () => {
	describe.each(Object.entries(PLACES))('%s', (_place, [schema, bodyOf]) => {
		it.each(Object.entries(SHAPES))('%s', (_shape, shape) => {
			const body = bodyOf(shape, SIZE);
			expect(body.length).toBeGreaterThan(SIZE / 2);
			expect(countedWork(() => read(schema, body))).toBeLessThan(MOST_WORK * body.length);
		});
	});
});

describe('the work of a merge is in proportion to its texts', () => {
	/** The objects among the shapes that can be stored: JSON that does not nest too deep. */
	const stored = Object.entries(SHAPES).flatMap(([name, shape]): [string, string][] => {
		try {
			const text = readStoredForm({ text: `{"a":{"a":${shape(SIZE)}}}`, at: 0 }, limits.nesting);
			return text === undefined ? [] : [[name, text]];
		} catch {
			return [];
		}
	});

	it.each(stored)('%s', (_shape, text) => {
		expect(countedWork(() => mergePatch(text, text))).toBeLessThan(2 * MOST_WORK * text.length);
		expect(countedWork(() => mergePatch(null, text))).toBeLessThan(2 * MOST_WORK * text.length);
		expect(countedWork(() => countMembers(text))).toBeLessThan(2 * text.length);
	});
});

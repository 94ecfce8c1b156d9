import { isDeepStrictEqual } from 'node:util';
import type { Answer } from './server.ts';

/** Thrown by a check when the server deviates from the reference. */
export class Deviation extends Error {}

const shown = (value: unknown): string => {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/** Throws a Deviation that names `what` with the expected and the actual value, unless they are equal. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
	if (isDeepStrictEqual(actual, expected)) return;
	throw new Deviation(`${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

/** Throws a Deviation unless an object has its members in the order in which they were sent. */
export function expectSameObject(actual: unknown, sent: JsonObject, what: string): void {
	expectEqual(JSON.stringify(actual), JSON.stringify(sent), what);
}

/** Throws a Deviation that shows where two long texts differ first, unless they are equal. */
export function expectSameText(actual: string, expected: string, what: string): void {
	if (actual === expected) return;
	let at = 0;
	while (actual[at] === expected[at]) at += 1;
	const from = Math.max(0, at - 60);
	expectEqual(
		actual.slice(from, at + 100),
		expected.slice(from, at + 100),
		`${what}, from character ${from} on`,
	);
}

export function expectTrue(holds: boolean, sentence: string): void {
	if (!holds) throw new Deviation(sentence);
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the body of a response, which must have this status and be a JSON object. */
export function expectStatus(answer: Answer, status: number): JsonObject {
	const { request, text, json } = answer;
	if (answer.status !== status) {
		throw new Deviation(`${request}: expected ${status}, got ${answer.status} ${shown(text)}`);
	}
	if (!isObject(json)) throw new Deviation(`${request}: the body is not a JSON object: ${shown(text)}`);
	return json;
}

/** Checks an error response against the shape of this project and returns its body. */
export function expectError(answer: Answer, status: number, code: string): JsonObject {
	const body = expectStatus(answer, status);
	const { request } = answer;
	expectEqual(body.code, code, `${request}: code`);
	expectTrue(typeof body.error === 'string' && body.error !== '', `${request}: error is missing or empty`);
	expectTrue(
		typeof body.requestId === 'string' && body.requestId !== '',
		`${request}: requestId is missing: ${shown(body)}`,
	);
	if (code !== 'VALIDATION_ERROR') return body;
	const { details } = body;
	const fits = (each: unknown) =>
		isObject(each) && [each.path, each.message, each.code].every((member) => typeof member === 'string');
	expectTrue(
		Array.isArray(details) && details.length > 0 && details.every(fits),
		`${request}: details must list { path, message, code }: ${shown(body)}`,
	);
	return body;
}

/** Returns the paths in the details of a validation error, sorted. */
export const pathsOf = (error: JsonObject): string[] =>
	(error.details as { path: string }[]).map(({ path }) => path).sort();

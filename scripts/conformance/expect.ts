import { isDeepStrictEqual } from 'node:util';
import type { Answer } from './server.ts';

/** What a check throws when the server does not do as the reference says. */
export class Deviation extends Error {}

const shown = (value: unknown): string => {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/** Fails with what was expected of `what`, and what came. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
	if (isDeepStrictEqual(actual, expected)) return;
	throw new Deviation(`${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

export function expectTrue(holds: boolean, sentence: string): void {
	if (!holds) throw new Deviation(sentence);
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** The body of an answer with this status, which must be an object. */
export function expectStatus(answer: Answer, status: number): JsonObject {
	const { request, text, json } = answer;
	if (answer.status !== status) {
		throw new Deviation(`${request}: expected ${status}, got ${answer.status} ${shown(text)}`);
	}
	if (!isObject(json)) throw new Deviation(`${request}: the body is no JSON object: ${shown(text)}`);
	return json;
}

/** Holds an error answer against its documented shape. */
export function expectError(answer: Answer, status: number, code: string): JsonObject {
	const body = expectStatus(answer, status);
	const { request } = answer;
	expectEqual(body.code, code, `${request}: code`);
	expectTrue(typeof body.error === 'string' && body.error !== '', `${request}: error is no sentence`);
	expectTrue(
		typeof body.requestId === 'string' && body.requestId !== '',
		`${request}: requestId is missing: ${shown(body)}`,
	);
	if (code !== 'VALIDATION_ERROR') return body;
	const { details } = body;
	const fits = (each: unknown) =>
		isObject(each) && typeof each.path === 'string' && typeof each.message === 'string';
	expectTrue(
		Array.isArray(details) && details.length > 0 && details.every(fits),
		`${request}: details must list { path, message }: ${shown(body)}`,
	);
	return body;
}

/** The paths that the details of a validation error name. */
export const pathsOf = (error: JsonObject): string[] =>
	(error.details as { path: string }[]).map(({ path }) => path).sort();

import { Deviation, expectStatus, expectTrue, isObject, type JsonObject } from '../expect.ts';
import type { Answer } from '../server.ts';

/** The shapes of the document: the members that it requires, each with its type. Further members are allowed. */

type Fits = (value: unknown) => boolean;

export const STATUSES = ['intake', 'generating', 'assembling', 'complete', 'failed'];

const isString: Fits = (value) => typeof value === 'string';
const isNumber: Fits = (value) => typeof value === 'number';
const isStringOrNull: Fits = (value) => value === null || isString(value);
const isObjectOrNull: Fits = (value) => value === null || isObject(value);

const session: Record<string, Fits> = {
	id: isString,
	userId: isString,
	organizationId: isStringOrNull,
	status: (value) => isString(value) && STATUSES.includes(value as string),
	prd: isObjectOrNull,
	plan: isObjectOrNull,
	productObject: isObjectOrNull,
	assemblyState: isObjectOrNull,
	productObjectHash: isStringOrNull,
	catalogVersion: isStringOrNull,
	schemaVersion: isStringOrNull,
	expiresAt: isString,
	createdAt: isString,
	updatedAt: isString,
};
const event: Record<string, Fits> = {
	id: isString,
	sessionId: isString,
	userId: isString,
	organizationId: isStringOrNull,
	stage: isStringOrNull,
	type: isString,
	message: isStringOrNull,
	payload: isObject,
	createdAt: isString,
};
const pagination: Record<string, Fits> = { total: isNumber, limit: isNumber, offset: isNumber };
const problem: Record<string, Fits> = { message: isString };
const optionalOfProblem = ['path', 'code', 'suggestion'];

/** Throws a Deviation unless a value is an object with these members. */
function expectMembers(value: unknown, shape: Record<string, Fits>, where: string): JsonObject {
	if (!isObject(value)) throw new Deviation(`${where}: not an object`);
	for (const [name, fits] of Object.entries(shape)) {
		expectTrue(Object.hasOwn(value, name), `${where}: ${name} is missing`);
		expectTrue(fits(value[name]), `${where}: ${name} is not valid: ${JSON.stringify(value[name])}`);
	}
	return value;
}

export const expectSession = (answer: Answer, status = 200): JsonObject =>
	expectMembers(expectStatus(answer, status), session, answer.request);

/** Returns the session and its events. */
export function expectDetails(answer: Answer): { session: JsonObject; events: JsonObject[] } {
	const { events, ...rest } = expectSession(answer);
	if (!Array.isArray(events)) throw new Deviation(`${answer.request}: events is not an array`);
	return {
		session: rest,
		events: events.map((each) => expectMembers(each, event, `${answer.request}: an event`)),
	};
}

export const expectEvent = (answer: Answer): JsonObject =>
	expectMembers(expectStatus(answer, 201), event, answer.request);

/** Returns the sessions of a page. */
export function expectPage(answer: Answer): JsonObject[] {
	const { data, pagination: found } = expectStatus(answer, 200);
	expectMembers(found, pagination, `${answer.request}: pagination`);
	if (!Array.isArray(data)) throw new Deviation(`${answer.request}: data is not an array`);
	return data.map((each) => expectMembers(each, session, `${answer.request}: a session`));
}

/** Throws a Deviation unless a call was refused with this status and the error of the document. */
export function expectRefused(answer: Answer, status: number): void {
	const { request } = answer;
	const { details } = expectMembers(expectStatus(answer, status), { error: isString }, request);
	if (details === undefined) return;
	if (!Array.isArray(details)) throw new Deviation(`${request}: details is not an array`);
	for (const each of details) {
		const found = expectMembers(each, problem, `${request}: details`);
		for (const name of optionalOfProblem) {
			expectTrue(found[name] === undefined || isString(found[name]), `${request}: ${name} is not a string`);
		}
	}
}

import { Deviation, expectEqual, expectTrue, isObject, type JsonObject } from '../expect.ts';
import { STATUSES } from '../reference/shapes.ts';

/** The fields of a session and of an event in this project's order, each with a test of its value. */

type Fits = (value: unknown) => boolean;

const isString: Fits = (value) => typeof value === 'string';
const isTimestamp: Fits = (value) =>
	typeof value === 'string' &&
	/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
	new Date(value).toISOString() === value;
const startsWith =
	(prefix: string): Fits =>
	(value) =>
		typeof value === 'string' && value.startsWith(prefix) && value.length > prefix.length;
const orNull =
	(fits: Fits): Fits =>
	(value) =>
		value === null || fits(value);

const session: [name: string, fits: Fits][] = [
	['assemblyState', orNull(isObject)],
	['catalogVersion', orNull(isString)],
	['createdAt', isTimestamp],
	['expiresAt', isTimestamp],
	['id', startsWith('sess_')],
	['organizationId', orNull(isString)],
	['plan', orNull(isObject)],
	['prd', orNull(isObject)],
	['productObject', orNull(isObject)],
	['productObjectHash', orNull(isString)],
	['schemaVersion', orNull(isString)],
	['status', (value) => isString(value) && STATUSES.includes(value as string)],
	['updatedAt', isTimestamp],
	['userId', isString],
];
const afterCreatedAt = session.findIndex(([name]) => name === 'createdAt') + 1;
const details = session.toSpliced(afterCreatedAt, 0, ['events', Array.isArray]);
const event: [name: string, fits: Fits][] = [
	['createdAt', isTimestamp],
	['id', startsWith('evt_')],
	['message', orNull(isString)],
	['organizationId', orNull(isString)],
	['payload', isObject],
	['sessionId', startsWith('sess_')],
	['stage', orNull(isString)],
	['type', isString],
	['userId', isString],
];
const shapes = { session, details, event };

/** Throws a Deviation unless a value is an object with exactly the documented fields, in order, each with a valid value. */
export function expectShape(value: unknown, kind: keyof typeof shapes, where: string): JsonObject {
	if (!isObject(value)) throw new Deviation(`${where}: not an object`);
	const shape = shapes[kind];
	expectEqual(
		Object.keys(value),
		shape.map(([name]) => name),
		`${where}: fields of the ${kind}, in order`,
	);
	for (const [name, fits] of shape) {
		expectTrue(fits(value[name]), `${where}: ${name} is not valid: ${JSON.stringify(value[name])}`);
	}
	return value;
}

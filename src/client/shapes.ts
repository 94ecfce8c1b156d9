/** Tells whether a body has the documented shape of the response to this very call, and comes from nowhere else. */
import { isObject } from './response.ts';

export type Shape = (body: unknown) => boolean;

/** A session; the one with this id where it is known. */
export const sessionShape =
	(id?: string): Shape =>
	(body) =>
		isObject(body) &&
		typeof body.status === 'string' &&
		(id === undefined ? typeof body.id === 'string' && body.id !== '' : body.id === id);

/** Some of the fields of a session. */
export const sparseShape =
	(fields: readonly string[]): Shape =>
	(body) =>
		isObject(body) && fields.every((field) => Object.hasOwn(body, field));

/** An event of a session. */
export const eventShape =
	(sessionId: string): Shape =>
	(body) =>
		isObject(body) && typeof body.id === 'string' && body.sessionId === sessionId;

/** The events of a step, and the session that it changed. */
export const stepShape =
	(sessionId: string, count: number): Shape =>
	(body) =>
		isObject(body) &&
		sessionShape(sessionId)(body.session) &&
		Array.isArray(body.events) &&
		body.events.length === count &&
		body.events.every(eventShape(sessionId));

export const sessionPageShape: Shape = (body) =>
	isObject(body) && Array.isArray(body.data) && isObject(body.pagination);

export const eventPageShape =
	(sessionId: string): Shape =>
	(body) =>
		isObject(body) &&
		typeof body.hasMore === 'boolean' &&
		Array.isArray(body.data) &&
		body.data.every(eventShape(sessionId));

export const versionPageShape: Shape = (body) =>
	isObject(body) &&
	typeof body.hasMore === 'boolean' &&
	Array.isArray(body.data) &&
	body.data.every((each) => isObject(each) && typeof each.version === 'number');

export const keyShape: Shape = (body) =>
	isObject(body) && typeof body.id === 'string' && typeof body.key === 'string';

/** The body of a successful DELETE. */
export const deletedShape: Shape = (body) => isObject(body) && body.success === true;

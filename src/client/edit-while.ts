import { pause } from './abort.ts';
import type { Client } from './api.ts';
import { ApiError, unexpected } from './error.ts';
import { isCount } from './options.ts';
import { delayBefore } from './retry.ts';
import type { Types } from './typed.ts';
import type { Session } from './types.ts';
import { sessionFields } from './values.ts';
import type { Edit, EditOptions } from './writes.ts';

const MAX_ATTEMPTS = 10;
/** Long enough to separate colliding writers, and short compared with a write. */
const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 500;

/** See `Client.editWhile`. */
export async function editWhile<T extends Types>(
	client: Client<T>,
	id: string,
	decide: (session: Session<T>) => Edit<T> | undefined | Promise<Edit<T> | undefined>,
	{ maxAttempts = MAX_ATTEMPTS, ...options }: EditOptions,
): Promise<Session<T>> {
	if (!isCount(maxAttempts) || maxAttempts === 0) {
		throw new TypeError('maxAttempts must be a whole number from 1 on.');
	}
	for (let attempt = 1; ; attempt += 1) {
		const { data: session, etag } = await client
			.get(id, { ...options, fields: sessionFields })
			.withResponse();
		if (etag === undefined) {
			throw unexpected('The response has no ETag. Check for a proxy that removes it.');
		}
		const edit = await decide(session);
		if (edit === undefined) return session;
		try {
			const conditionally = { ...options, ifMatch: etag };
			const { patch, events = [] } = edit;
			if (events.length === 0) return await client.merge(id, patch, conditionally);
			return (await client.step(id, { events: [...events], patch }, conditionally)).session;
		} catch (error) {
			const isStale = error instanceof ApiError && error.code === 'PRECONDITION_FAILED';
			if (!isStale || attempt >= maxAttempts) throw error;
		}
		await pause(delayBefore(attempt, 0, FIRST_DELAY_MS, MAX_DELAY_MS), options.signal);
	}
}

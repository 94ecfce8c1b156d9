import type { Client, Edit, EditOptions } from './api.ts';
import { ApiError } from './error.ts';
import { etagOf } from './etag.ts';
import { delayBefore, pause } from './retry.ts';
import type { Session } from './types.ts';

const MAX_ATTEMPTS = 10;
/** Long enough to separate colliding writers, and short compared with a write. */
const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 500;

const SESSION_FIELDS = {
	assemblyState: true,
	catalogVersion: true,
	createdAt: true,
	expiresAt: true,
	id: true,
	organizationId: true,
	plan: true,
	prd: true,
	productObject: true,
	productObjectHash: true,
	schemaVersion: true,
	status: true,
	updatedAt: true,
	userId: true,
} as const satisfies Record<keyof Session, true>;
/** All fields of a session except `events`. */
const FIELDS = Object.keys(SESSION_FIELDS) as (keyof Session)[];

/** See `Client.editWhile`. */
export async function editWhile(
	client: Client,
	id: string,
	decide: (session: Session) => Edit | undefined | Promise<Edit | undefined>,
	{ maxAttempts = MAX_ATTEMPTS, ...options }: EditOptions,
): Promise<Session> {
	for (let attempt = 1; ; attempt += 1) {
		const session = await client.get(id, { ...options, fields: FIELDS });
		const etag = etagOf(session);
		if (etag === undefined) {
			throw new ApiError(
				'The response has no ETag, which editWhile needs. Check for a proxy that removes it.',
				{
					status: 200,
					code: 'UNEXPECTED_RESPONSE',
				},
			);
		}
		const edit = await decide(session);
		if (edit === undefined) return session;
		try {
			return await write(client, id, edit, { ...options, ifMatch: etag });
		} catch (error) {
			const isStale = error instanceof ApiError && error.code === 'PRECONDITION_FAILED';
			if (!isStale || attempt >= maxAttempts) throw error;
		}
		await pause(delayBefore(attempt, 0, FIRST_DELAY_MS, MAX_DELAY_MS) ?? 0, options.signal);
	}
}

async function write(
	client: Client,
	id: string,
	{ patch, events = [] }: Edit,
	options: Parameters<Client['merge']>[2],
): Promise<Session> {
	if (events.length === 0) return client.merge(id, patch, options);
	const { session } = await client.step(id, { events: [...events], patch }, options);
	return session;
}

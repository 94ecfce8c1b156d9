import type { Client, Session, SessionStatus } from '../../client/client.ts';

/** The large objects are not among them, so they never travel for a list. */
const FIELDS = ['createdAt', 'expiresAt', 'id', 'status', 'updatedAt'] as const;
export type ListedSession = Pick<Session, (typeof FIELDS)[number]>;

export interface SessionList {
	sessions: readonly ListedSession[];
	/** How many there are in all, not only here. */
	total: number;
}

const PAGE = 50;

/** Reads the newest sessions: so many pages, each by the link of the one before it. */
export async function readSessions(
	client: Client,
	status: SessionStatus | undefined,
	pages: number,
	signal: AbortSignal,
): Promise<SessionList> {
	const list = client.list({ fields: FIELDS, limit: PAGE, status, signal, maxRetries: 0 });
	const { pagination } = await list;
	const sessions: ListedSession[] = [];
	for await (const session of list) {
		sessions.push(session);
		// Before the iteration asks for another page.
		if (sessions.length === pages * PAGE) break;
	}
	return { sessions, total: Math.max(pagination.total ?? 0, sessions.length) };
}

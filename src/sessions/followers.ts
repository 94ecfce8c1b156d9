import type { SessionState } from '../live/frames.ts';
import type { SessionRow } from './store.ts';

/** Whether a session may have followers, which must be told of a write. */
export const isFollowed = ({ followed_until }: Pick<SessionRow, 'followed_until'>): boolean =>
	followed_until !== null && followed_until > new Date().toISOString();

/** The part of a session's state that its followers get. */
export const stateOf = (row: SessionRow): SessionState => ({
	id: row.id,
	status: row.status,
	version: row.version,
	expiresAt: row.expires_at,
	updatedAt: row.updated_at,
});

import type { SessionRow } from './store.ts';

/** Whether a session may have followers, which must be told of a write. */
export const isFollowed = ({ followed_until }: Pick<SessionRow, 'followed_until'>): boolean =>
	followed_until !== null && followed_until > new Date().toISOString();

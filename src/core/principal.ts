import * as z from 'zod';

export const permissions = [
	'PRODUCTS:READ',
	'PRODUCTS:WRITE',
	'PRODUCTS:DELETE',
	'PRODUCTS:*',
	'WEBHOOKS:*',
	'*',
] as const;
export const permissionSchema = z.enum(permissions);
/** A permission that an API key can have. */
export type Permission = z.infer<typeof permissionSchema>;
/** The permission that a call needs. */
export type NeededPermission = Exclude<Permission, 'PRODUCTS:*' | '*'>;

/** The owner of sessions: a user in an organization, or in none. */
export interface Owner {
	userId: string;
	organizationId: string | null;
}

/** The key under which a caller's requests are counted and take turns. It is JSON, because two different callers must not share a key. */
export const callerKey = ({ userId, organizationId }: Owner): string =>
	`caller:${JSON.stringify([userId, organizationId])}`;

/** An authenticated caller. */
export interface Principal extends Owner {
	permissions: readonly Permission[];
	/** The API key's id; null for a Clerk session. */
	keyId: string | null;
	/** The id of the Clerk session (`sid`); null for an API key, and for a token that names none. */
	clerkSessionId: string | null;
	/** The one session that the API key may read; null for a caller that is not bound to one. */
	sessionId: string | null;
	/**
	 * The types of events that a key for one session may append. Empty for every other caller: its permissions say whether it may
	 * append.
	 */
	appendTypes: readonly string[];
	/**
	 * When the credentials end, as far as it is known, in epoch milliseconds: Infinity for a key that does not expire, and for a
	 * Clerk session, because its tokens do not say when it ends.
	 */
	expiresAt: number;
}

/** Whether the principal has the permission `needed`. */
export const mayDo = (principal: Principal, needed: NeededPermission): boolean =>
	principal.permissions.some(
		(granted) =>
			granted === '*' || granted === needed || (granted === 'PRODUCTS:*' && needed.startsWith('PRODUCTS:')),
	);

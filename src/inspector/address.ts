/**
 * The part of the address after `#`: `session` names the session that is shown. In a link, `code` signs in once, and `key`
 * signs in with a key for one session.
 */
const addressParameters = () => new URLSearchParams(location.hash.slice(1));

/** What a link signs in with, and the session that it shows. */
export interface Link {
	kind: 'code' | 'key';
	secret: string;
	sessionId: string | undefined;
}

/** Takes a link out of the address, so that whoever copies the address does not copy its code or key. */
export function takeLink(): Link | undefined {
	const parameters = addressParameters();
	const kind = parameters.has('code') ? 'code' : 'key';
	const secret = parameters.get(kind);
	if (secret === null) return undefined;
	const sessionId = sessionInAddress();
	showInAddress(undefined);
	return { kind, secret, sessionId };
}

/** The id of the session that the address names. */
export const sessionInAddress = (): string | undefined => addressParameters().get('session') || undefined;

export const addressOf = (sessionId: string | undefined): string =>
	sessionId === undefined ? '#' : `#session=${encodeURIComponent(sessionId)}`;

/** Names a session in the address, in place of what it named. No event tells of it. */
export const showInAddress = (sessionId: string | undefined): void =>
	history.replaceState(
		null,
		'',
		location.pathname + location.search + addressOf(sessionId).replace(/^#$/, ''),
	);

/** An address that signs in with a key for one session and shows that session. */
export const signedInAddress = (key: string, sessionId: string): string =>
	`${location.origin}${location.pathname}#${new URLSearchParams({ session: sessionId, key })}`;

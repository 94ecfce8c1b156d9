/** The part of the address after `#`: `session` names the session that is shown, `key` signs in. */
const KEY_ITEM = 'inspector.key';

const addressParameters = () => new URLSearchParams(location.hash.slice(1));

/**
 * Takes a key out of the address, so that it reaches neither the history nor whoever copies the address, and keeps it for
 * this tab. Returns whether there was one.
 */
export function takeKeyFromAddress(): boolean {
	const parameters = addressParameters();
	const key = parameters.get('key');
	if (key === null) return false;
	parameters.delete('key');
	const rest = parameters.size === 0 ? '' : `#${parameters}`;
	history.replaceState(null, '', location.pathname + location.search + rest);
	keepKey(key);
	return true;
}

/** The key of this tab. It is gone when the tab is closed. */
export const keptKey = (): string | undefined => sessionStorage.getItem(KEY_ITEM) ?? undefined;

export const keepKey = (key: string): void => sessionStorage.setItem(KEY_ITEM, key);

export const forgetKey = (): void => sessionStorage.removeItem(KEY_ITEM);

/** The id of the session that the address names. */
export const sessionInAddress = (): string | undefined => addressParameters().get('session') || undefined;

export const addressOf = (sessionId: string | undefined): string =>
	sessionId === undefined ? '#' : `#session=${encodeURIComponent(sessionId)}`;

/** An address that signs in with a key for one session and shows that session. */
export const signedInAddress = (key: string, sessionId: string): string =>
	`${location.origin}${location.pathname}#${new URLSearchParams({ session: sessionId, key })}`;

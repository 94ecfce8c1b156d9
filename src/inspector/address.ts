/**
 * The part of the address after `#`. It names the session that is shown, and what of it somebody looks at, so that a reload or a
 * link shows the same. In a link, `code` signs in once, and `key` signs in with a key for one session.
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
	showInAddress({});
	return { kind, secret, sessionId };
}

/** The id of the session that the address names. */
export const sessionInAddress = (): string | undefined => addressParameters().get('session') || undefined;

export const addressOf = (sessionId: string | undefined): string =>
	sessionId === undefined ? '#' : `#session=${encodeURIComponent(sessionId)}`;

/** The address of a session with one of its events, the first being 1. */
export const addressOfEvent = (sessionId: string, position: number): string =>
	`${addressOf(sessionId)}&event=${position}`;

/** The address of the webhooks, or of one of them. */
export const addressOfWebhooks = (id = ''): string => `#webhooks=${encodeURIComponent(id)}`;

/** What the page shows: a session by its id, or the webhooks and what failed of one of them. */
export interface Place {
	sessionId?: string | undefined;
	/** The id of a webhook, '' for none of them. */
	webhookId?: string | undefined;
}

/** What the address names. */
export function placeInAddress(): Place {
	const sessionId = sessionInAddress();
	if (sessionId !== undefined) return { sessionId };
	return { webhookId: addressParameters().get('webhooks') ?? undefined };
}

/** Puts something after `#` in place of what is there. No event tells of it. */
const replaceHash = (hash: string): void =>
	history.replaceState(null, '', location.pathname + location.search + hash.replace(/^#$/, ''));

/** Names something in the address, in place of what it named. What somebody looks at stays if it is the same session. */
export function showInAddress({ sessionId, webhookId }: Place): void {
	if (webhookId !== undefined) replaceHash(addressOfWebhooks(webhookId));
	else if (sessionId === undefined || sessionId !== sessionInAddress()) replaceHash(addressOf(sessionId));
}

/** What somebody looks at in a session. */
export interface Look {
	/** The position of the selected event. */
	event: number | undefined;
	tab: string | undefined;
	/** A type of events, and a text that they have. */
	type: string | undefined;
	text: string | undefined;
	/** A part of the timeline: from and to in epoch milliseconds, or the last so many. */
	range: { from: number; to: number } | { last: number } | undefined;
	/** The version at which the objects are shown, and what it is compared with. Undefined is the present, and the version before. */
	version: number | undefined;
	against: number | 'before' | 'now' | 'nothing' | undefined;
}

const numberOf = (text: string | null): number | undefined =>
	text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;

export function lookInAddress(): Look {
	const parameters = addressParameters();
	const [from, to, last] = ['from', 'to', 'last'].map((name) => numberOf(parameters.get(name)));
	const against = parameters.get('against');
	const isStretch = from !== undefined && to !== undefined && from < to;
	return {
		event: numberOf(parameters.get('event')),
		tab: parameters.get('tab') || undefined,
		type: parameters.get('type') || undefined,
		text: parameters.get('text') || undefined,
		version: numberOf(parameters.get('version')),
		against: against === 'now' || against === 'nothing' ? against : numberOf(against),
		range: isStretch ? { from, to } : last === undefined ? undefined : { last },
	};
}

/** Names in the address what somebody looks at. */
export function keepInAddress(sessionId: string, { range, ...look }: Look): void {
	if (sessionId !== sessionInAddress()) return;
	const parameters = new URLSearchParams({ session: sessionId });
	for (const [name, value] of Object.entries({ ...look, ...range })) {
		if (value !== undefined && value !== '') parameters.set(name, String(value));
	}
	replaceHash(`#${parameters}`);
}

/** An address that signs in with a key for one session and shows that session. */
export const signedInAddress = (key: string, sessionId: string): string =>
	`${location.origin}${location.pathname}#${new URLSearchParams({ session: sessionId, key })}`;

import { entityTag } from '../http/conditional.ts';

/**
 * The frames of a stream, as Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
 * JSON keeps a frame in one piece: it escapes the line breaks of strings, and stored JSON has no white space.
 */
export const EVENT_STREAM = 'text/event-stream';

/** The state of a followed session, with the fields that a stream sends. */
export interface SessionState {
	id: string;
	status: string;
	/** The number of changes of the session's fields. */
	version: number;
	expiresAt: string;
	updatedAt: string;
}

/** Why a session has ended. */
export type End = 'deleted' | 'expired';

/** The first bytes of a stream, so that proxies pass the headers on. A client waits for 2 s before it reconnects. */
export const OPENING = ': following\nretry: 2000\n\n';
/** A comment, which shows the client and every proxy that the stream is alive. */
export const HEARTBEAT = ':\n\n';

const LINE_BREAKS = /[\r\n]+/g;

/** A frame with a stored event. Its `id` is the client's cursor: a browser sends it back as Last-Event-ID. */
export const eventFrame = (id: string, json: string): string =>
	`id: ${id}\nevent: event\ndata: ${json.replace(LINE_BREAKS, ' ')}\n\n`;

/** A frame with the session's state. Its `etag` is valid in If-Match. */
export const stateFrame = ({ version, expiresAt, id, status, updatedAt }: SessionState): string =>
	`event: session\ndata: ${JSON.stringify({ etag: entityTag(version), expiresAt, id, status, updatedAt })}\n\n`;

/** The last frame of a session. */
export const endFrame = (reason: End): string => `event: end\ndata: ${JSON.stringify({ reason })}\n\n`;

import { entityTag } from '../http/conditional.ts';

/**
 * The frames of a stream, as Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
 * JSON keeps a frame in one piece: it escapes the line breaks of strings, and stored JSON has no white space.
 */
export const EVENT_STREAM = 'text/event-stream';

/** The state of a followed session, with the fields that a `session` frame has. */
export interface SessionState {
	id: string;
	status: string;
	/** The number of changes of the session's fields. */
	version: number;
	expiresAt: string;
	updatedAt: string;
}

/** The newer of two states of a session. Notices arrive in any order, and the state that is told never goes back. */
export function newerOf(known: SessionState, other: SessionState): SessionState {
	const isLonger = other.version === known.version && other.expiresAt > known.expiresAt;
	return other.version > known.version || isLonger ? other : known;
}

/** Why a session has ended. */
export type End = 'deleted' | 'expired';

/** The first bytes of a stream, so that proxies pass the headers on. A client waits for 2 s before it reconnects. */
export const OPENING = ': following\nretry: 2000\n\n';
/** A comment, which shows the client and every proxy that the stream is alive. */
export const HEARTBEAT = ':\n\n';

const LINE_BREAKS = /[\r\n]+/g;

const frameOf = (event: string, json: string): string =>
	`event: ${event}\ndata: ${json.replace(LINE_BREAKS, ' ')}\n\n`;

const objectOf = (members: Readonly<Record<string, string>>): string =>
	`{${Object.entries(members)
		.map(([name, json]) => `${JSON.stringify(name)}:${json}`)
		.join()}}`;

/** A frame with a stored event. Its `id` is the client's cursor: a browser sends it back as Last-Event-ID. */
export const eventFrame = (id: string, json: string): string => `id: ${id}\n${frameOf('event', json)}`;

/** A frame with the session's state. Its `etag` is valid in If-Match. */
export const stateFrame = ({ version, expiresAt, id, status, updatedAt }: SessionState): string =>
	frameOf('session', JSON.stringify({ etag: entityTag(version), expiresAt, id, status, updatedAt }));

/** A frame with the whole session, from its JSON. */
export const snapshotFrame = (version: number, sessionJson: string): string =>
	frameOf('snapshot', `{"etag":${JSON.stringify(entityTag(version))},"session":${sessionJson}}`);

/** The content of a `change` frame: JSON by the name of each changed field. */
interface ChangedFields {
	/** The new values of fields. */
	set: Readonly<Record<string, string>>;
	/** The RFC 7396 patches of objects. */
	merge: Readonly<Record<string, string>>;
}

/** A frame with a change of the session. Each change makes the next version, so it follows on the version before its own. */
export const changeFrame = (
	{ version, updatedAt }: Pick<SessionState, 'version' | 'updatedAt'>,
	{ set, merge }: ChangedFields,
): string => {
	const [etag, previous] = [version, version - 1].map((each) => JSON.stringify(entityTag(each)));
	const json = `{"etag":${etag},"previous":${previous},"updatedAt":${JSON.stringify(updatedAt)},"set":${objectOf(set)},"merge":${objectOf(merge)}}`;
	return frameOf('change', json);
};

/** The last frame of a session. */
export const endFrame = (reason: End): string => frameOf('end', JSON.stringify({ reason }));

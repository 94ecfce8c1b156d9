import { withEtag } from './etag.ts';
import type { Reader } from './follow.ts';
import { type Frame, foreignFrame } from './frames.ts';
import { isObject, jsonOf } from './response.ts';
import type { Event, Types, Untyped } from './typed.ts';
import type { SessionStatus } from './types.ts';

/** The state of a followed session. Pass it, or its `etag`, as `ifMatch`. */
export interface SessionState {
	etag: string;
	expiresAt: string;
	id: string;
	status: SessionStatus;
	updatedAt: string;
}

/** What `follow` yields. */
export type Followed<T extends Types = Untyped> =
	/** The next event of the session. */
	| { type: 'event'; event: Event<T> }
	/** The state of the session: once after the stored events, then after each change. */
	| { type: 'session'; session: SessionState }
	/** The session was deleted or has expired. This is the last item. */
	| { type: 'end'; reason: 'deleted' | 'expired' };

/** Reads what `follow` yields, after the event `after`. */
export function followedReader(id: string, after: string | undefined): Reader<Followed> {
	/** The last state that was yielded, as it arrived. A stream that resumes tells it again. */
	let lastState: string | undefined;
	const reader: Reader<Followed> = {
		query: {},
		after,
		expiresAt: Number.POSITIVE_INFINITY,
		async *items(arriving) {
			for await (const frames of arriving) {
				for (const frame of frames) {
					const item = followedFrom(frame, id);
					if (item === undefined || (item.type === 'session' && frame.data === lastState)) continue;
					if (item.type === 'event') reader.after = item.event.id;
					if (item.type === 'session') {
						lastState = frame.data;
						reader.expiresAt = Date.parse(item.session.expiresAt);
					}
					yield item;
					if (item.type === 'end') return;
				}
			}
		},
		ended: (reason) => ({ type: 'end', reason }),
	};
	return reader;
}

/**
 * The item in a frame, or undefined for a type of frame that this version of the client does not know. Throws a Failure for
 * data that is not the service's about this session.
 */
function followedFrom({ event, data }: Frame, id: string): Followed | undefined {
	if (event !== 'event' && event !== 'session' && event !== 'end') return undefined;
	const value = jsonOf(data);
	if (isObject(value)) {
		if (event === 'event' && typeof value.id === 'string' && value.sessionId === id) {
			return { type: 'event', event: value as unknown as Event };
		}
		if (event === 'session' && typeof value.etag === 'string' && value.id === id) {
			const state = value as unknown as SessionState;
			return { type: 'session', session: withEtag(state, state.etag) };
		}
		if (event === 'end' && (value.reason === 'deleted' || value.reason === 'expired')) {
			return { type: 'end', reason: value.reason };
		}
	}
	throw foreignFrame();
}

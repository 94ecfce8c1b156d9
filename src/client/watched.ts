import { ApiError, unexpected } from './error.ts';
import { withEtag } from './etag.ts';
import type { Reader } from './follow.ts';
import { foreignFrame } from './frames.ts';
import type { FetchResponse } from './options.ts';
import { foreign, isObject, jsonOf, type Sent } from './response.ts';
import { eventShape, sessionShape } from './shapes.ts';
import { keepParts, kept, merged } from './sharing.ts';
import type { Event, Types, Untyped } from './typed.ts';
import type { Session } from './types.ts';
import { pathOf, queryOf } from './url.ts';
import { sessionFields } from './values.ts';

/** What `watch` yields. */
export interface Watched<T extends Types = Untyped> {
	/**
	 * The whole session as it is now. Pass it as `ifMatch`. It never changes later: the next item has another object, which
	 * shares with this one all that is equal in both. Copy it before you change it.
	 */
	session: Session<T>;
	/** The ETag of the session. */
	etag: string;
	/** The fields that differ from the last item's session. In the first item all of them. */
	changed: (keyof Session)[];
	/** The events since the last item, oldest first. */
	events: Event<T>[];
	/** Why the session has ended. Only in the last item, whose session is the last one that was known. */
	ended?: 'deleted' | 'expired';
}

/** How many characters of stored events are kept until the session arrives. */
const MAX_KEPT = 1_000_000;

/** Reads what `watch` yields, after the event `after`. */
export function watchedReader(id: string, after: string | undefined): Reader<Watched> {
	let session: Session | undefined;
	let etag: string;
	let events: Event[] = [];
	/** The length of the events' text. */
	let length = 0;
	const isOwnEvent = eventShape(id);
	const isOwnSession = sessionShape(id);

	/** Holds a session from now on, and returns the item that tells of it. */
	function hold(next: Session, nextEtag: string): Watched {
		const before = session;
		const changed = (Object.keys(next) as (keyof Session)[]).filter(
			(field) => !(before && Object.is(before[field], next[field])),
		);
		session = withEtag(next, nextEtag);
		etag = nextEtag;
		reader.expiresAt = Date.parse(next.expiresAt);
		return itemOf(next, changed);
	}

	function itemOf(current: Session, changed: (keyof Session)[]): Watched {
		const item = { session: current, etag, changed, events };
		events = [];
		return item;
	}

	function add(event: Record<string, unknown>): void {
		if (!isOwnEvent(event)) throw foreignFrame();
		events.push(event as unknown as Event);
		reader.after = event.id as string;
	}

	/** Undefined for the version that is held already. */
	function snapshot({ session: sent, etag: sentEtag }: Record<string, unknown>): Watched | undefined {
		if (!(typeof sentEtag === 'string' && isOwnSession(sent))) throw foreignFrame();
		if (session && sentEtag === etag) return undefined;
		const next = sent as Session;
		if (session) keepParts(session, next);
		return hold(next, sentEtag);
	}

	/** Throws a Failure for a change of another version than the one that is held. The next stream begins with the session. */
	function change(data: Record<string, unknown>): Watched {
		const { previous, updatedAt, set = {}, merge = {} } = data;
		if (!session || previous !== etag) {
			throw foreignFrame('A change of the session does not continue the version before it.');
		}
		if (
			!(typeof data.etag === 'string' && typeof updatedAt === 'string' && isObject(set) && isObject(merge))
		) {
			throw foreignFrame();
		}
		const fields = new Map<string, unknown>(Object.entries(session));
		for (const [name, value] of Object.entries(set)) fields.set(name, kept(fields.get(name), value));
		for (const [name, patch] of Object.entries(merge)) fields.set(name, merged(fields.get(name), patch));
		fields.set('updatedAt', updatedAt);
		return hold(Object.fromEntries(fields) as unknown as Session, data.etag);
	}

	function end({ reason }: Record<string, unknown>): Watched {
		if (reason !== 'deleted' && reason !== 'expired') throw foreignFrame();
		const last = reader.ended(reason);
		if (last) return last;
		throw new ApiError(`The session was ${reason} before its state arrived.`, {
			status: 404,
			code: 'SESSION_NOT_FOUND',
		});
	}

	const reader: Reader<Watched> = {
		query: { state: true },
		after,
		expiresAt: Number.POSITIVE_INFINITY,
		async *items(arriving, get) {
			for await (const frames of arriving) {
				for (const { event, data } of frames) {
					switch (event) {
						case 'event':
							add(objectOf(data));
							length += data.length;
							break;
						case 'snapshot': {
							const item = snapshot(objectOf(data));
							if (item) yield item;
							break;
						}
						case 'change':
							yield change(objectOf(data));
							break;
						case 'end':
							yield end(objectOf(data));
							return;
						case 'session':
							throw unexpected('The service sends no state. Update it, or use follow in place of watch.');
					}
				}
				if (session) {
					if (events.length > 0) yield itemOf(session, []);
				} else if (length > MAX_KEPT) {
					const path = pathOf(id) + queryOf({ fields: sessionFields.join() });
					const [read, tag] = await get(path, sessionIn);
					yield hold(read, tag);
				}
			}
		},
		ended: (reason) => session && { ...itemOf(session, []), ended: reason },
	};

	async function sessionIn(response: FetchResponse, sent: Sent): Promise<[Session, string]> {
		const body = jsonOf(await response.text());
		const tag = response.headers.get('ETag');
		if (tag === null || !isOwnSession(body)) throw foreign(response, sent, 'lost');
		return [body as Session, tag];
	}

	return reader;
}

function objectOf(data: string): Record<string, unknown> {
	const value = jsonOf(data);
	if (isObject(value)) return value;
	throw foreignFrame();
}

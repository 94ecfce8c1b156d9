import type { EventsOptions, ListOptions, SessionPage } from './api.ts';
import { type Pages, pagesFrom } from './pages.ts';
import { type Service, send } from './send.ts';
import type { Event, EventPage, Session } from './types.ts';
import { queryOf, urlBelow } from './url.ts';

type AnyListOptions = Omit<ListOptions, 'fields'> & { fields?: readonly string[] | undefined };

/** See `Client.list`. */
export function listSessions(
	service: Service,
	options: AnyListOptions,
): Pages<SessionPage<Session>, Session> {
	const { limit, offset, status, after, fields, ...callOptions } = options;
	/**
	 * The `after` of the next page, for each page that is not the last. The ids of the items are not enough: `fields`
	 * may leave them out.
	 */
	const places = new WeakMap<SessionPage<Session>, string>();
	async function page(place: { offset?: number | undefined; after?: string | undefined }) {
		const url = service.url + queryOf({ limit, ...place, status, fields: fields?.join() });
		const call = { method: 'GET', url, headers: {}, isRepeatable: true } as const;
		const { body, link } = await send<SessionPage<Session>>(service, { ...call, options: callOptions });
		const next = placeAfter(link, url);
		if (next !== undefined) places.set(body, next);
		return body;
	}
	return pagesFrom(
		page({ offset, after }),
		({ data }) => data,
		(current) => {
			const next = places.get(current);
			return next === undefined ? undefined : page({ after: next });
		},
	);
}

/**
 * Reads `after` from a `Link` with `rel="next"` (RFC 8288). The rest of the URL is ignored, because the token must be
 * sent only to the service itself.
 */
function placeAfter(link: string | null, url: string): string | undefined {
	const target = /<([^>]*)>\s*;[^<]*\brel="?next\b/i.exec(link ?? '')?.[1];
	return target === undefined ? undefined : (new URL(target, url).searchParams.get('after') ?? undefined);
}

/** See `Client.events`. */
export function listEvents(service: Service, id: string, options: EventsOptions): Pages<EventPage, Event> {
	const { after, limit, ...callOptions } = options;
	async function page(place: string | undefined) {
		const url = urlBelow(service.url, id, 'events') + queryOf({ after: place, limit });
		const call = { method: 'GET', url, headers: {}, isRepeatable: true } as const;
		return (await send<EventPage>(service, { ...call, options: callOptions })).body;
	}
	return pagesFrom(
		page(after),
		({ data }) => data,
		({ data, hasMore }) => (hasMore ? page(data.at(-1)?.id) : undefined),
	);
}

import { ask } from './answered.ts';
import { type Pages, pagesFrom } from './pages.ts';
import type { EventsOptions, ListOptions, SessionPage, VersionsOptions } from './reads.ts';
import type { Call } from './send.ts';
import type { Service } from './service.ts';
import { eventPageShape, type Shape, sessionPageShape, versionPageShape } from './shapes.ts';
import type { EventPage, Version, VersionPage } from './types.ts';
import { pathOf, queryOf } from './url.ts';

type AnyListOptions = Omit<ListOptions, 'fields'> & { fields?: readonly string[] | undefined };
type AnySession = { id?: string };

/** The Call that reads what is at a path. */
export const reading = (path: string, isOwn: Shape): Omit<Call, 'options'> => ({
	method: 'GET',
	path,
	headers: {},
	kind: 'read',
	isRepeatable: true,
	documented: 200,
	isOwn,
});

/** See `Client.list`. */
export function listSessions(
	service: Service,
	{ limit, offset, status, after, fields, ...options }: AnyListOptions,
): Pages<SessionPage<AnySession>, AnySession> {
	const page = (place: { offset?: number | undefined; after?: string | undefined }) =>
		ask(
			service,
			() => ({
				...reading(pathOf() + queryOf({ limit, ...place, status, fields: fields?.join() }), sessionPageShape),
				options,
			}),
			({ body }) => body as SessionPage<AnySession>,
		);
	return pagesFrom(
		page({ offset, after }),
		after,
		({ data, response }) => {
			// Items that `fields` leaves without an id need the link.
			const link = placeAfter(response.headers.get('Link'));
			return link === undefined && !saysMore(data) ? undefined : { after: link ?? data.data.at(-1)?.id };
		},
		(place) => page({ after: place }),
	);
}

/** Whether a page itself says that there are sessions after it. */
const saysMore = ({ data, pagination: { offset = 0, total = 0, hasMore } }: SessionPage<unknown>): boolean =>
	hasMore ?? (data.length > 0 && offset + data.length < total);

/**
 * Reads `after` from a `Link` with `rel="next"` (RFC 8288). The rest of the URL is ignored, because the token must be
 * sent only to the service itself.
 */
function placeAfter(link: string | null): string | undefined {
	const target = /<([^>]*)>\s*;[^<]*\brel="?next\b/i.exec(link ?? '')?.[1];
	return /[?&]after=([\w-]+)/.exec(target ?? '')?.[1];
}

/** See `Client.events`. */
export function listEvents(
	service: Service,
	id: string,
	{ after, limit, order, ...options }: EventsOptions,
): Pages<EventPage, EventPage['data'][number]> {
	const page = (place: string | undefined) =>
		ask(
			service,
			() => ({
				...reading(pathOf(id, 'events') + queryOf({ after: place, limit, order }), eventPageShape(id)),
				options,
			}),
			({ body }) => body as EventPage,
		);
	return pagesFrom(
		page(after),
		after,
		({ data: { data, hasMore } }) => (hasMore ? { after: data.at(-1)?.id } : undefined),
		page,
	);
}

/** See `Client.versions`. */
export function listVersions(
	service: Service,
	id: string,
	{ before, limit, ...options }: VersionsOptions,
): Pages<VersionPage, Version> {
	const page = (place: string | undefined) =>
		ask(
			service,
			() => ({
				...reading(pathOf(id, 'versions') + queryOf({ before: place, limit }), versionPageShape),
				options,
			}),
			({ body }) => body as VersionPage,
		);
	const start = before === undefined ? undefined : String(before);
	return pagesFrom(
		page(start),
		start,
		({ data: { data, hasMore } }) => {
			const last = data.at(-1);
			return hasMore ? { after: last && String(last.version) } : undefined;
		},
		page,
	);
}

import type { Breakage, Json } from '../../support/broken-server/breakage.ts';
import { body, isDetails, isList, refused, sessionsIn } from '../exchanges.ts';

/** Broken rules of reads, and the checks of the same extensions that must fail. */
export const brokenReads: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'fields is ignored',
		{ request: ({ url }) => url.searchParams.delete('fields') },
		['fields.details', 'fields.list', 'fields.unknown'],
	],
	[
		'fields come in the order of the request',
		{
			answer: (exchange) => {
				const names = exchange.query.get('fields')?.split(',') ?? [];
				const ordered = (object: Json) => Object.fromEntries(names.map((name) => [name, object[name]]));
				if (names.length === 0) return;
				body(isDetails, ordered)(exchange);
				body(isList, (list) => ({ ...list, data: sessionsIn(list).map(ordered) }))(exchange);
			},
		},
		['fields.details', 'fields.list'],
	],
	[
		'unknown fields are left out',
		{
			request: ({ url }) => {
				if (url.searchParams.get('fields') === 'id,nonsense') url.searchParams.set('fields', 'id');
			},
		},
		['fields.unknown'],
	],
	[
		'a list ignores after',
		{
			request: ({ url }) => {
				if (url.pathname.endsWith('/sessions')) url.searchParams.delete('after');
			},
		},
		['pages.after', 'pages.deleted', 'pages.link', 'pages.offset'],
	],
	[
		'a deleted session has no place',
		(() => {
			const deleted = new Set<string>();
			return {
				answer: (exchange) => {
					if (exchange.method === 'DELETE') deleted.add(exchange.path.replace(/.*\//, ''));
					if (deleted.has(exchange.query.get('after') ?? '')) refused(exchange, 'after');
				},
			} satisfies Breakage;
		})(),
		['pages.deleted'],
	],
	[
		'a page after a place counts',
		{
			answer: body(isList, (list, { query }) =>
				query.has('after') ? { ...list, pagination: { ...(list.pagination as Json), total: 4 } } : list,
			),
		},
		['pages.after'],
	],
	[
		'after takes precedence over an offset',
		{
			request: ({ url }) => {
				if (url.searchParams.has('after')) url.searchParams.delete('offset');
			},
		},
		['pages.offset'],
	],
	['there is no Link', { answer: ({ headers }) => headers.delete('link') }, ['pages.link']],
	[
		'the Link forgets the status',
		{
			answer: ({ headers }) => {
				const link = headers.get('link');
				if (link) headers.set('link', link.replace(/status=\w+&?/, ''));
			},
		},
		['pages.link'],
	],
	[
		'the log of a session has one page',
		{
			request: ({ url }) => {
				if (url.pathname.endsWith('/events')) url.searchParams.delete('limit');
			},
		},
		['event-pages.pages'],
	],
	[
		'the log of a session ignores after',
		{
			request: ({ url }) => {
				if (url.pathname.endsWith('/events')) url.searchParams.delete('after');
			},
		},
		['event-pages.pages', 'event-pages.unknown'],
	],
	[
		'a page of events is never the last',
		{
			answer: body(
				({ method, path }) => method === 'GET' && path.endsWith('/events'),
				(page) => ('hasMore' in page ? { ...page, hasMore: true } : page),
			),
		},
		['event-pages.pages'],
	],
];

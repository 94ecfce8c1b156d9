import { checks } from '../../scripts/conformance/run.ts';
import type { Breakage, Exchange, Json } from '../support/breakage.ts';

const isSessions = (path: string) => path.endsWith('/sessions');
const isSession = (path: string) => /\/sessions\/[^/]+$/.test(path);
const isEvents = (path: string) => path.endsWith('/events');
const isSuccess = ({ status }: Exchange) => status < 300;
const isList = (exchange: Exchange) =>
	exchange.method === 'GET' && isSessions(exchange.path) && isSuccess(exchange);
const isDetails = (exchange: Exchange) =>
	exchange.method === 'GET' && isSession(exchange.path) && isSuccess(exchange);
const isPatch = (exchange: Exchange) => exchange.method === 'PATCH' && isSuccess(exchange);
const isCreate = (exchange: Exchange) =>
	exchange.method === 'POST' && isSessions(exchange.path) && isSuccess(exchange);
const isAppend = (exchange: Exchange) =>
	exchange.method === 'POST' && isEvents(exchange.path) && isSuccess(exchange);

/** Changes the body of the matching responses. */
const body =
	(fits: (exchange: Exchange) => boolean, change: (body: Json, exchange: Exchange) => Json | undefined) =>
	(exchange: Exchange) => {
		if (exchange.body && fits(exchange)) exchange.body = change(exchange.body, exchange);
	};
const sessionsIn = (list: Json) => list.data as Json[];
const sorted = (value: unknown): unknown =>
	Array.isArray(value)
		? value.map(sorted)
		: typeof value === 'object' && value !== null
			? Object.fromEntries(
					Object.entries(value)
						.sort(([a], [b]) => (a < b ? -1 : 1))
						.map(([name, member]) => [name, sorted(member)]),
				)
			: value;

const writing = checks.filter(({ isReadonly }) => !isReadonly).map(({ id }) => id);
/** The checks that write, without those that check the response to a create. */
const LOOKS_AT_THE_BODY = [
	...['create.fields', 'create.initial', 'create.validation', 'create.values'],
	...['details.same', 'list.offset-past', 'list.same'],
];

/** A broken rule, and the checks that must fail because of it. No other check may fail. */
export const breakages: [rule: string, breakage: Breakage, checks: string[]][] = [
	['nothing', {}, []],
	[
		'create answers 200',
		{
			answer: (exchange) => {
				if (isCreate(exchange)) exchange.status = 200;
			},
		},
		// Every check that needs a session fails when none can be created.
		writing.filter((id) => !LOOKS_AT_THE_BODY.includes(id)),
	],
	[
		'a field of the session is missing',
		{ answer: body(isCreate, ({ schemaVersion: _, ...rest }) => rest) },
		['create.fields', 'create.initial', 'create.values', 'details.same', 'list.same'],
	],
	[
		'the fields of a created session come in another order',
		{ answer: body(isCreate, ({ assemblyState, ...rest }) => ({ ...rest, assemblyState })) },
		['create.fields'],
	],
	[
		'null objects are {}',
		{ answer: body(isCreate, (session) => ({ ...session, plan: session.plan ?? {} })) },
		['create.initial', 'details.same', 'list.same'],
	],
	[
		'timestamps have no milliseconds',
		{
			answer: body(isCreate, (session) => ({
				...session,
				createdAt: String(session.createdAt).replace(/\.\d+/, ''),
				updatedAt: String(session.createdAt).replace(/\.\d+/, ''),
			})),
		},
		['create.fields', 'details.same', 'list.same'],
	],
	[
		'objects come back with sorted members',
		{ answer: body(isPatch, (session) => ({ ...session, plan: sorted(session.plan) })) },
		['update.values'],
	],
	[
		'details have no events',
		{ answer: body(isDetails, ({ events: _, ...rest }) => rest) },
		['append.keeps-session', 'append.validation', 'details.events', 'details.fields', 'details.same'],
	],
	[
		'events come newest first',
		{ answer: body(isDetails, (session) => ({ ...session, events: (session.events as []).toReversed() })) },
		['details.events'],
	],
	[
		'a PATCH merges',
		{
			request: ({ method, headers }) => {
				if (method === 'PATCH' && headers.get('content-type') === 'application/json') {
					headers.set('content-type', 'application/merge-patch+json');
				}
			},
		},
		['update.null', 'update.replaces', 'update.values'],
	],
	[
		'a PATCH of nothing touches updatedAt',
		{ answer: body(isPatch, (session) => ({ ...session, updatedAt: new Date().toISOString() })) },
		['update.nothing', 'update.persists'],
	],
	[
		'a PATCH refuses fields that it does not know',
		{
			answer: (exchange) => {
				if (!isPatch(exchange) || !exchange.sent || !('unknown' in exchange.sent)) return;
				exchange.status = 400;
				exchange.body = {
					error: 'No.',
					code: 'VALIDATION_ERROR',
					requestId: 'x',
					details: [{ path: 'unknown', message: 'unknown' }],
				};
			},
		},
		['update.ignores', 'update.nothing'],
	],
	[
		'a PATCH says another status than was set',
		{ answer: body(isPatch, (session) => ({ ...session, status: 'intake' })) },
		['update.ignores', 'update.persists', 'update.reference', 'update.statuses'],
	],
	[
		'errors have no requestId',
		{
			answer: body(
				({ status }) => status === 404,
				({ requestId: _, ...rest }) => rest,
			),
		},
		['delete.gone', 'errors.missing-session', 'errors.no-route'],
	],
	[
		'validation errors have no details',
		{
			answer: body(
				({ status }) => status === 400,
				({ details: _, ...rest }) => rest,
			),
		},
		['append.validation', 'create.validation', 'list.validation', 'update.null', 'update.validation'],
	],
	[
		'a validation error names only the first problem',
		{
			answer: body(
				({ status }) => status === 400,
				(error) => (error.details ? { ...error, details: (error.details as []).slice(0, 1) } : error),
			),
		},
		['update.validation'],
	],
	[
		'401 is 403',
		{
			answer: (exchange) => {
				if (exchange.status === 401) exchange.status = 403;
			},
		},
		['access.no-credentials', 'access.unknown-key'],
	],
	[
		'a 401 does not say how to authenticate',
		{ answer: ({ headers }) => headers.delete('www-authenticate') },
		['access.challenge'],
	],
	[
		'an API key alone is not accepted',
		{
			request: ({ headers }) => {
				if (headers.get('authorization')?.startsWith('rt_')) headers.delete('authorization');
			},
		},
		['access.bare-key'],
	],
	[
		'the scheme must be written as Bearer',
		{
			request: ({ headers }) => {
				if (headers.get('authorization')?.startsWith('bearer')) headers.delete('authorization');
			},
		},
		['access.scheme-case'],
	],
	[
		'permissions are not looked at',
		{
			answer: (exchange) => {
				if (exchange.status === 403) exchange.status = 200;
			},
		},
		['access.forbidden'],
	],
	[
		'any media type is taken for JSON',
		{
			request: ({ headers, body: sent }) => {
				if (sent !== '') headers.set('content-type', 'application/json');
			},
		},
		['errors.media-type'],
	],
	[
		'invalid JSON is a validation error',
		{
			answer: body(
				({ body: error }) => error?.code === 'INVALID_JSON',
				(error) => ({ ...error, code: 'VALIDATION_ERROR', details: [{ path: '', message: 'no JSON' }] }),
			),
		},
		['errors.invalid-json'],
	],
	[
		'delete answers 204',
		{
			answer: (exchange) => {
				if (exchange.method === 'DELETE' && isSuccess(exchange)) exchange.status = 204;
			},
		},
		['delete.answer'],
	],
	[
		'a deleted session is still there',
		{
			request: (request) => {
				if (request.method === 'DELETE') request.method = 'GET';
			},
		},
		['access.forbidden', 'delete.answer', 'delete.gone'],
	],
	[
		'the list begins with the oldest',
		{ answer: body(isList, (list) => ({ ...list, data: sessionsIn(list).toReversed() })) },
		['list.newest-first', 'list.order', 'list.pages'],
	],
	[
		'the default limit is another',
		{
			request: ({ url }) => {
				if (url.search === '') url.search = '?limit=10';
			},
		},
		['list.defaults'],
	],
	[
		'offset is ignored',
		{ request: ({ url }) => url.searchParams.delete('offset') },
		['list.offset-past', 'list.pages', 'list.validation'],
	],
	[
		'limit is ignored',
		{
			request: ({ url }) => {
				if (/^\d+$/.test(url.searchParams.get('limit') ?? '')) url.searchParams.set('limit', '20');
			},
		},
		['list.pages', 'list.total', 'list.validation'],
	],
	[
		'the status filter is ignored',
		{
			request: ({ url }) => {
				if (url.searchParams.get('status') !== 'nonsense') url.searchParams.delete('status');
			},
		},
		['list.status'],
	],
	[
		'total counts the page',
		{
			answer: body(isList, (list) => ({
				...list,
				pagination: { ...(list.pagination as Json), total: sessionsIn(list).length },
			})),
		},
		['list.total'],
	],
	[
		'pagination has other names',
		{ answer: body(isList, ({ pagination, ...rest }) => ({ ...rest, page: pagination })) },
		checks.map(({ id }) => id).filter((id) => id.startsWith('list.') && id !== 'list.validation'),
	],
	[
		'an event without a payload has null',
		{
			answer: body(isAppend, (event, { sent }) => ({ ...event, payload: sent?.payload ?? null })),
		},
		['append.defaults', 'append.fields'],
	],
	[
		'an event has no sessionId',
		{ answer: body(isAppend, ({ sessionId: _, ...rest }) => rest) },
		['append.fields', 'details.events'],
	],
	[
		'appending touches the session',
		{
			answer: body(isDetails, (session) =>
				(session.events as []).length > 0 ? { ...session, updatedAt: new Date().toISOString() } : session,
			),
		},
		['append.keeps-session'],
	],
];

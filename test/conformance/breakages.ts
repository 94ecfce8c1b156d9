import { checksOf } from '../../scripts/conformance/run.ts';
import type { Breakage, Json } from '../support/broken-server/breakage.ts';
import {
	body,
	isAppend,
	isCreate,
	isDetails,
	isList,
	isPatch,
	isSuccess,
	refused,
	refusing,
	sessionsIn,
} from './exchanges.ts';

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

const writing = checksOf.strict.filter(({ isReadonly }) => !isReadonly).map(({ id }) => id);
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
		[
			'create.absent-body',
			'create.answer',
			'create.example',
			'create.fields',
			'create.fields-one-by-one',
			'create.initial',
			'create.values',
			'details.same',
			'details.stored',
			'list.same',
		],
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
		[
			'access.every-call',
			'access.read-only-key',
			'append.keeps-session',
			'append.validation',
			'details.answer',
			'details.events',
			'details.fields',
			'details.log',
			'details.same',
			'details.stored',
			'update.stored',
		],
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
		['update.fields', 'update.null', 'update.replaces', 'update.values'],
	],
	[
		'a PATCH of nothing touches updatedAt',
		{ answer: body(isPatch, (session) => ({ ...session, updatedAt: new Date().toISOString() })) },
		['update.nothing'],
	],
	[
		'a PATCH refuses fields that it does not know',
		{
			answer: (exchange) => {
				if (isPatch(exchange) && exchange.sent && 'unknown' in exchange.sent) refused(exchange, 'unknown');
			},
		},
		['update.ignores', 'update.nothing'],
	],
	[
		'a PATCH says another status than was set',
		{ answer: body(isPatch, (session) => ({ ...session, status: 'intake' })) },
		['update.any-order', 'update.example', 'update.ignores', 'update.partial', 'update.statuses'],
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
		['access.every-call', 'access.no-credentials', 'access.unknown-key', 'access.wrong-key'],
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
		['access.forbidden', 'access.read-only-key'],
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
				(error) => ({
					...error,
					code: 'VALIDATION_ERROR',
					details: [{ path: '', message: 'no JSON', code: 'INVALID_TYPE' }],
				}),
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
		['delete.answer', 'delete.missing', 'delete.success'],
	],
	[
		'a deleted session is still there',
		{
			request: (request) => {
				if (request.method === 'DELETE') request.method = 'GET';
			},
		},
		[
			'access.forbidden',
			'access.read-only-key',
			'delete.answer',
			'delete.gone',
			'delete.missing',
			'delete.success',
			'list.includes',
		],
	],
	[
		'the list begins with the oldest',
		{ answer: body(isList, (list) => ({ ...list, data: sessionsIn(list).toReversed() })) },
		['list.newest-first', 'list.offset', 'list.order', 'list.pages'],
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
		['list.offset', 'list.offset-past', 'list.pages', 'list.validation'],
	],
	[
		'limit is ignored',
		{
			request: ({ url }) => {
				if (/^\d+$/.test(url.searchParams.get('limit') ?? '')) url.searchParams.set('limit', '20');
			},
		},
		['list.lenient', 'list.limit', 'list.pages', 'list.total', 'list.validation'],
	],
	[
		'the status filter is ignored',
		{
			request: ({ url }) => {
				url.searchParams.delete('status');
			},
		},
		['list.filter', 'list.lenient', 'list.status'],
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
		checksOf.strict.map(({ id }) => id).filter((id) => id.startsWith('list.') && id !== 'list.validation'),
	],
	[
		'an event without a payload has null',
		{
			answer: body(isAppend, (event, { sent }) => ({ ...event, payload: sent?.payload ?? null })),
		},
		['append.defaults', 'append.fields', 'append.type-only'],
	],
	[
		'an event has no sessionId',
		{ answer: body(isAppend, ({ sessionId: _, ...rest }) => rest) },
		['append.example', 'append.fields', 'append.type-only', 'details.events', 'details.log'],
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
	[
		'a create needs a body',
		refusing((exchange) => isCreate(exchange) && exchange.sent === undefined),
		['create.absent-body'],
	],
	[
		'an update needs a body',
		refusing((exchange) => isPatch(exchange) && exchange.sent === undefined),
		['update.absent-body'],
	],
	[
		'the status complete is called completed',
		refusing(({ sent }) => sent?.status === 'complete', 'status'),
		['update.any-order', 'update.statuses'],
	],
	[
		'an event needs a message',
		refusing((exchange) => isAppend(exchange) && exchange.sent?.message === undefined),
		['append.defaults', 'append.fields', 'append.type-only', 'details.events'],
	],
	[
		'a create drops the prd',
		{ answer: body(isCreate, (session) => ({ ...session, prd: null })) },
		['create.example', 'create.fields-one-by-one', 'create.values', 'details.same', 'list.same'],
	],
	[
		'a create answers the versions that the catalog has, whatever was sent',
		{ answer: body(isCreate, (session) => ({ ...session, catalogVersion: 'latest' })) },
		[
			'create.example',
			'create.fields-one-by-one',
			'create.initial',
			'create.values',
			'details.same',
			'list.same',
		],
	],
	[
		'details drop the prd',
		{ answer: body(isDetails, (session) => ({ ...session, prd: null })) },
		['details.same', 'details.stored', 'update.values'],
	],
	[
		'details drop the plan',
		{ answer: body(isDetails, (session) => ({ ...session, plan: null })) },
		['update.stored', 'update.values'],
	],
	[
		'details leave out the first event',
		{ answer: body(isDetails, (session) => ({ ...session, events: (session.events as []).slice(1) })) },
		['append.keeps-session', 'details.events', 'details.log'],
	],
	[
		'an update drops what it does not get',
		{ answer: body(isPatch, (session, { sent }) => ({ ...session, plan: sent?.plan ?? null })) },
		['update.partial'],
	],
	[
		'an update makes a hash of its own',
		{ answer: body(isPatch, (session) => ({ ...session, productObjectHash: 'its own' })) },
		['update.fields', 'update.values'],
	],
	[
		'an event drops its stage',
		{ answer: body(isAppend, (event) => ({ ...event, stage: null })) },
		['append.example', 'append.values'],
	],
	[
		'success is a text',
		{
			answer: body(
				({ method }) => method === 'DELETE',
				(answer) => ({ ...answer, success: 'true' }),
			),
		},
		['delete.answer', 'delete.success'],
	],
	[
		'a wrong key is accepted',
		{
			answer: (exchange) => {
				if (!exchange.headers.get('www-authenticate')?.includes('invalid_token')) return;
				exchange.status = 200;
				exchange.body = { data: [], pagination: { limit: 20, offset: 0, total: 0 } };
			},
		},
		['access.unknown-key', 'access.wrong-key'],
	],
	[
		'the list has no default limit',
		{
			answer: body(isList, (list, { query }) =>
				query.has('limit') ? list : { ...list, data: Array(21).fill(sessionsIn(list)[0]) },
			),
		},
		['list.default', 'list.lenient', 'list.offset-past', 'list.shape'],
	],
	[
		'the list leaves out the newest session',
		{ answer: body(isList, (list) => ({ ...list, data: sessionsIn(list).slice(1) })) },
		[
			'list.filter',
			'list.includes',
			'list.limit',
			'list.offset',
			'list.order',
			'list.own',
			'list.pages',
			'list.same',
			'list.status',
			'list.total',
		],
	],
	[
		'the list shows the sessions of others',
		{
			answer: body(isList, (list) => ({
				...list,
				data: sessionsIn(list).map((each, at) => (at === 0 ? each : { ...each, userId: 'other' })),
			})),
		},
		['list.own'],
	],
	[
		'a limit above 100 is refused',
		refusing((exchange) => isList(exchange) && Number(exchange.query.get('limit')) > 100, 'limit'),
		['list.lenient'],
	],
	[
		'an unknown status is refused',
		refusing((exchange) => isList(exchange) && exchange.query.get('status') === 'nonsense', 'status'),
		['list.lenient'],
	],
	[
		'a limit of 0 gives an empty page',
		{
			request: ({ url }) => {
				if (url.searchParams.get('limit') === '0') url.searchParams.set('limit', '1');
			},
		},
		['list.validation'],
	],
	[
		'a 405 does not say which methods are allowed',
		{ answer: ({ headers }) => headers.delete('allow') },
		['errors.method'],
	],
	[
		'errors have texts of their own, and nothing else',
		{
			answer: body(
				({ status }) => status >= 400,
				({ error }) => ({ error }),
			),
		},
		[
			'access.forbidden',
			'access.unknown-key',
			'append.validation',
			'create.validation',
			'delete.gone',
			'errors.invalid-json',
			'errors.media-type',
			'errors.method',
			'errors.missing-session',
			'errors.no-route',
			'list.validation',
			'update.null',
			'update.validation',
		],
	],
	[
		'an error is not a JSON object',
		{
			answer: body(
				({ status }) => status >= 400,
				() => ({ message: 'No.' }),
			),
		},
		[
			'access.every-call',
			'access.forbidden',
			'access.no-credentials',
			'access.read-only-key',
			'access.unknown-key',
			'access.wrong-key',
			'append.validation',
			'create.validation',
			'delete.gone',
			'delete.missing',
			'errors.invalid-json',
			'errors.media-type',
			'errors.method',
			'errors.missing-session',
			'errors.no-route',
			'list.validation',
			'update.null',
			'update.validation',
		],
	],
];

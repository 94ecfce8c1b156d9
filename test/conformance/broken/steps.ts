import type { Breakage, Exchange, Json } from '../../support/broken-server/breakage.ts';
import { body, isDetails, isSuccess } from '../exchanges.ts';

const isStep = ({ method, path }: Exchange) => method === 'POST' && path.endsWith('/steps');
const isMade = (exchange: Exchange) => isStep(exchange) && isSuccess(exchange);
const sessionOf = (path: string) => path.replace('/steps', '');

/** Broken rules of steps, and the checks of steps that must fail. */
export const brokenSteps: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'a step has no ETag',
		{
			answer: (exchange) => {
				if (isStep(exchange)) exchange.headers.delete('etag');
			},
		},
		['steps.answer'],
	],
	[
		'a step returns its events in another order',
		{
			answer: body(isMade, (step) => {
				const events = step.events as Json[];
				return events.length === 1 ? step : { ...step, events: events.toReversed() };
			}),
		},
		['steps.answer', 'steps.places'],
	],
	[
		'the patch of a step is ignored',
		{
			request: (request) => {
				if (request.url.pathname.endsWith('/steps')) request.body = request.body.replace('"patch"', '"x"');
			},
		},
		['steps.answer', 'steps.if-match', 'steps.patch', 'steps.retry', 'steps.whole'],
	],
	[
		'the patch of a step keeps nulls',
		{
			request: (request) => {
				if (request.url.pathname.endsWith('/steps')) request.body = request.body.replace('"r":null', '"r":0');
			},
		},
		['steps.patch'],
	],
	[
		'a step without a patch touches the session',
		{
			answer: body(isMade, (step, { sent }) =>
				sent?.patch ? step : { ...step, session: { ...(step.session as Json), updatedAt: 'now' } },
			),
		},
		['steps.only-events'],
	],
	[
		'a refused step leaves its change',
		(() => {
			const changed = new Set<string>();
			return {
				answer: (exchange) => {
					if (isStep(exchange) && exchange.status === 400) changed.add(sessionOf(exchange.path));
					if (changed.has(exchange.path))
						body(isDetails, (session) => ({ ...session, status: 'failed' }))(exchange);
				},
			} satisfies Breakage;
		})(),
		['steps.whole'],
	],
	[
		'a step may be empty',
		{
			answer: (exchange) => {
				if (isStep(exchange) && Array.isArray(exchange.sent?.events) && exchange.sent.events.length === 0)
					exchange.status = 201;
			},
		},
		['steps.whole'],
	],
	[
		'a step ignores If-Match',
		{
			request: ({ url, headers }) => {
				if (url.pathname.endsWith('/steps')) headers.delete('if-match');
			},
		},
		['steps.if-match'],
	],
	[
		'the events of steps are mixed',
		{
			answer: body(isDetails, (session) => {
				const events = session.events as Json[];
				const mixed = [0, 1, 2].flatMap((rest) => events.filter((_, at) => at % 3 === rest));
				return events.length === 12 ? { ...session, events: mixed } : session;
			}),
		},
		['steps.places'],
	],
	[
		'the repetition of a step returns the session as it was',
		(() => {
			const made = new Map<string, unknown>();
			return {
				answer: (exchange) => {
					const step = exchange.body;
					if (!step || !isMade(exchange)) return;
					if (!made.has(exchange.path)) made.set(exchange.path, step.session);
					else if (exchange.headers.has('idempotency-replayed'))
						exchange.body = { ...step, session: made.get(exchange.path) };
				},
			} satisfies Breakage;
		})(),
		['steps.retry'],
	],
];

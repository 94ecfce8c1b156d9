import type { Breakage, Json, Onward } from '../../support/broken-server/breakage.ts';
import { body, isAppend, isCreate, isDetails, isPatch, refusing } from '../exchanges.ts';

/** Changes the text of requests. */
const rewriting = (from: string | RegExp, to: string, fits: (request: Onward) => boolean = () => true) => ({
	request: (request: Onward) => {
		if (fits(request)) request.body = request.body.replace(from, to);
	},
});
const withoutHeader = (name: string, fits: (request: Onward) => boolean = () => true) => ({
	request: (request: Onward) => {
		if (fits(request)) request.headers.delete(name);
	},
});
const isMerge = ({ headers }: Onward) => headers.get('content-type') === 'application/merge-patch+json';
const without = (name: string, object: Json): Json => {
	const { [name]: _, ...rest } = object;
	return rest;
};

/** Broken rules of writes and conditions, and the checks of the same extensions that must fail. */
export const brokenWrites: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'a merge patch replaces',
		{
			request: (request) => {
				if (isMerge(request)) request.headers.set('content-type', 'application/json');
			},
		},
		['hash.merged', 'merge-patch.atomic', 'merge-patch.clears', 'merge-patch.merges'],
	],
	['a merge rounds numbers', rewriting(/1\.50/, '1.5', isMerge), ['merge-patch.merges']],
	['a merge keeps a nested null', rewriting('"r":null', '"r":0', isMerge), ['merge-patch.merges']],
	[
		'no field can be cleared',
		refusing((exchange) => isPatch(exchange) && exchange.sent?.prd === null),
		['merge-patch.clears'],
	],
	['the status null is no status', rewriting('"status":null', '"x":0'), ['merge-patch.clears']],
	[
		'one of several merges is lost',
		{
			answer: body(isDetails, (session) => {
				const plan = session.plan as Json | null;
				return plan && 'writer3' in plan ? { ...session, plan: without('writer3', plan) } : session;
			}),
		},
		['merge-patch.atomic'],
	],
	[
		'the hash is that of the text that was sent',
		{
			answer: body(isPatch, (session, { sent }) =>
				sent?.productObject ? { ...session, productObjectHash: 'of the text' } : session,
			),
		},
		['hash.merged', 'hash.replaced'],
	],
	[
		'a merge keeps the hash',
		{
			answer: body(isPatch, (session, { sent }) =>
				JSON.stringify(sent) === '{"productObject":{"b":{"x":null}}}'
					? { ...session, productObjectHash: 'the one before' }
					: session,
			),
		},
		['hash.merged'],
	],
	[
		'the hash is not stored',
		{ answer: body(isDetails, (session) => ({ ...session, productObjectHash: null })) },
		['hash.replaced'],
	],
	[
		'there are no ETags',
		{ answer: ({ headers }) => headers.delete('etag') },
		[
			'conditional.etag',
			'conditional.events',
			'conditional.if-match',
			'conditional.not-modified',
			'conditional.weak',
		],
	],
	[
		'ETags are weak',
		{
			answer: ({ headers }) => {
				const etag = headers.get('etag');
				if (etag) headers.set('etag', `W/${etag}`);
			},
		},
		['conditional.etag'],
	],
	[
		'the ETag stays the same',
		{
			answer: ({ headers }) => {
				if (headers.has('etag')) headers.set('etag', '"1"');
			},
		},
		['conditional.etag', 'conditional.events', 'conditional.if-match'],
	],
	[
		'If-Match is ignored',
		withoutHeader('if-match'),
		['conditional.events', 'conditional.if-match', 'conditional.weak'],
	],
	[
		'If-Match is ignored by a deletion',
		withoutHeader('if-match', ({ method }) => method === 'DELETE'),
		['conditional.if-match'],
	],
	[
		'a weakened tag never matches',
		{
			request: ({ headers }) => {
				if (headers.get('if-match')?.startsWith('W/')) headers.set('if-match', '"0"');
			},
		},
		['conditional.weak'],
	],
	[
		'an event does not change the ETag of details',
		{
			answer: (exchange) => {
				const etag = exchange.headers.get('etag');
				if (etag && isDetails(exchange)) exchange.headers.set('etag', etag.replace(/\.\d+/, ''));
			},
		},
		['conditional.events'],
	],
	['If-None-Match is ignored', withoutHeader('if-none-match'), ['conditional.not-modified']],
	[
		'Idempotency-Key is ignored',
		withoutHeader('idempotency-key'),
		[
			'idempotency.append',
			'idempotency.at-once',
			'idempotency.create',
			'idempotency.form',
			'idempotency.reused',
		],
	],
	[
		'a repetition does not say so',
		{ answer: ({ headers }) => headers.delete('idempotency-replayed') },
		['idempotency.append', 'idempotency.create', 'steps.retry'],
	],
	[
		'a key counts only in a create with content',
		withoutHeader(
			'idempotency-key',
			({ url, body: sent }) => url.pathname.endsWith('/sessions') && sent === '{}',
		),
		['idempotency.at-once'],
	],
	[
		'a key with another body is a repetition',
		{
			answer: (exchange) => {
				if (exchange.status === 422) exchange.status = 201;
			},
		},
		['idempotency.reused', 'steps.retry'],
	],
	[
		'an event has the sessionId of another session',
		{ answer: body(isAppend, (event) => ({ ...event, sessionId: 'sess_other' })) },
		['idempotency.scope'],
	],
	[
		'a key may have any length',
		{
			request: ({ headers }) => {
				const key = headers.get('idempotency-key');
				if (key) headers.set('idempotency-key', key.slice(0, 255));
			},
		},
		['idempotency.form'],
	],
	['ttlSeconds is ignored', rewriting('ttlSeconds', 'x'), ['ttl.bounds', 'ttl.create', 'ttl.update']],
	['a short life is made longer', rewriting(/"ttlSeconds":(59|0|-1)\b/, '"ttlSeconds":60'), ['ttl.bounds']],
	[
		'ttlSeconds is part of the session',
		{ answer: body(isCreate, (session, { sent }) => ({ ...session, ...sent })) },
		['ttl.create'],
	],
	[
		'a new life is not stored',
		{ answer: body(isDetails, (session) => ({ ...session, expiresAt: session.createdAt })) },
		['ttl.update'],
	],
];

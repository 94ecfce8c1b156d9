import type { Breakage, Json } from '../../support/broken-server/breakage.ts';
import { body, isCreate, isSuccess } from '../exchanges.ts';

const ofVersions = (change: (page: Json & { data: Json[] }) => Json): Breakage => ({
	answer: body(
		(exchange) => exchange.path.endsWith('/versions') && isSuccess(exchange),
		(page) => change(page as Json & { data: Json[] }),
	),
});

/** Broken rules of history, and the checks of the same extensions that must fail. */
export const brokenHistory: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'versions come oldest first',
		ofVersions((page) => ({ ...page, data: page.data.toReversed() })),
		['history.versions'],
	],
	[
		'a version does not name the event before it',
		ofVersions((page) => ({ ...page, data: page.data.map((each) => ({ ...each, afterEvent: null })) })),
		['history.versions'],
	],
	[
		'a read ignores the version',
		{ request: ({ url }) => url.searchParams.delete('version') },
		['history.fork', 'history.missing', 'history.past'],
	],
	[
		'a session always begins as another one is now',
		{
			request: (onward) => {
				onward.body = onward.body.replace(/("sessionId":"[^"]*"),"version":\d+/, '$1');
			},
		},
		['history.fork', 'history.missing'],
	],
	[
		'a session that begins as another one has its schemaVersion',
		{ answer: body(isCreate, (session) => ({ ...session, schemaVersion: null })) },
		['history.fork'],
	],
];

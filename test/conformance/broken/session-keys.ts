import type { Breakage, Exchange, Onward } from '../../support/broken-server/breakage.ts';

const isKeys = ({ method, path }: Exchange) => method === 'POST' && path.endsWith('/keys');
const UNKNOWN = `Bearer rt_test_${'0'.repeat(72)}`;

/** Changes the requests with keys for one session. `maker` is the Authorization header of whoever made them. */
function changingKeyed(change: (request: Onward, maker: string) => void): Breakage {
	const keys = new Set<unknown>();
	let maker = '';
	return {
		request(request) {
			const authorization = request.headers.get('authorization') ?? '';
			if (keys.has(authorization.replace('Bearer ', ''))) change(request, maker);
			else maker = authorization;
		},
		answer(exchange) {
			if (isKeys(exchange) && exchange.body) keys.add(exchange.body.key);
		},
	};
}

const wantsStream = ({ headers }: Onward) => headers.get('accept') === 'text/event-stream';

/** Broken rules of keys for one session, and the checks of these keys that must fail. */
export const brokenSessionKeys: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'a key lives for ten years',
		{
			answer: (exchange) => {
				const { body } = exchange;
				if (isKeys(exchange) && body?.key) exchange.body = { ...body, expiresAt: '2040-01-01T00:00:00.000Z' };
			},
		},
		['session-keys.life'],
	],
	[
		'a key may have any life',
		{
			request: (request) => {
				if (!request.url.pathname.endsWith('/keys')) return;
				request.body = request.body.replace(/:(59|86401|"60")\}/, ':60}');
			},
		},
		['session-keys.life'],
	],
	[
		'a key reads nothing',
		changingKeyed((request) => {
			if (request.method === 'GET' && !wantsStream(request)) request.headers.set('authorization', UNKNOWN);
		}),
		['session-keys.confined', 'session-keys.reads'],
	],
	[
		'a key does not follow',
		changingKeyed((request) => {
			if (wantsStream(request)) request.headers.set('authorization', UNKNOWN);
		}),
		['session-keys.follows'],
	],
	[
		'a key may do what its maker may do',
		changingKeyed(({ headers }, maker) => headers.set('authorization', maker)),
		['session-keys.appends', 'session-keys.confined', 'session-keys.revoked'],
	],
	[
		'a key may append',
		changingKeyed(({ headers, url, method }, maker) => {
			if (method === 'POST' && url.pathname.endsWith('/events')) headers.set('authorization', maker);
		}),
		['session-keys.appends', 'session-keys.confined'],
	],
	[
		'a revoked key goes on',
		{
			request: (request) => {
				const { method, url } = request;
				if (method !== 'DELETE' || !url.pathname.includes('/keys/')) return;
				request.method = 'GET';
				url.pathname = '/healthz';
			},
			answer: (exchange) => {
				if (exchange.path === '/healthz') exchange.body = { success: true };
			},
		},
		['session-keys.revoked'],
	],
	[
		'the key of a deleted session still reads',
		(() => {
			const deleted = new Set<string>();
			return {
				answer: (exchange) => {
					const { method, path, status } = exchange;
					if (method === 'DELETE' && status === 200) deleted.add(path);
					else if (deleted.has(path)) exchange.status = 200;
				},
			} satisfies Breakage;
		})(),
		['session-keys.deleted'],
	],
];

import type { Breakage, Exchange, Json } from '../../support/broken-server/breakage.ts';

const WEBHOOKS = '/v1/webhooks';
const isCreate = ({ method, path }: Exchange) => method === 'POST' && path === WEBHOOKS;
const isCall = (exchange: Exchange, method: string, end: string) =>
	exchange.method === method && exchange.path.startsWith(`${WEBHOOKS}/`) && exchange.path.endsWith(end);

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

/** Changes the body of the responses to some calls. */
const answering = (applies: (exchange: Exchange) => boolean, members: (body: Json) => Json): Breakage => ({
	answer: (exchange) => {
		const { body, status } = exchange;
		if (body && status < 300 && applies(exchange)) exchange.body = { ...body, ...members(body) };
	},
});

/** Takes what the service refuses because of a member. */
const taking = (refusal: (body: Json) => boolean): Breakage => ({
	answer: (exchange) => {
		const { body, status } = exchange;
		if (!isCreate(exchange) || status < 400 || !body || !refusal(body)) return;
		exchange.status = 201;
		exchange.body = { id: 'wh_01k2vxq8f3e7ttyyds0t6w2h4d', secret: SECRET };
	},
});
const isAbout = (field: string) => (body: Json) =>
	(body.details as { path: string }[] | undefined)?.some(({ path }) => path.startsWith(field)) === true;

/** Broken rules of webhooks, and the checks of webhooks that must fail. */
export const brokenWebhooks: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'a read of a webhook has a secret',
		answering(
			(exchange) => isCall(exchange, 'GET', '') && exchange.body?.url !== undefined,
			() => ({ secret: SECRET }),
		),
		['webhooks.created'],
	],
	[
		'a secret is short',
		answering(
			(exchange) => isCreate(exchange) || isCall(exchange, 'POST', '/secret'),
			() => ({ secret: 'whsec_AAAA' }),
		),
		['webhooks.created', 'webhooks.rotated', 'webhooks.signed-twice', 'webhooks.tells', 'webhooks.tested'],
	],
	[
		'an update of a webhook changes nothing',
		{
			request: (request) => {
				if (request.method === 'PATCH' && request.url.pathname.startsWith(WEBHOOKS)) request.body = '{}';
			},
		},
		['webhooks.address', 'webhooks.updated'],
	],
	[
		'a webhook that was deleted is still there',
		(() => {
			const deleted = new Set<string>();
			return {
				answer: (exchange) => {
					const { method, path, status } = exchange;
					if (!path.startsWith(WEBHOOKS)) return;
					if (method === 'DELETE' && status === 200) deleted.add(path);
					else if (deleted.has(path)) exchange.status = 200;
				},
			} satisfies Breakage;
		})(),
		['webhooks.deleted'],
	],
	['a webhook may lead to any address', taking(isAbout('url')), ['webhooks.address']],
	['a caller may have eleven webhooks', taking(({ code }) => code === 'QUOTA_EXCEEDED'), ['webhooks.limits']],
	['a webhook may have any names', taking(isAbout('events')), ['webhooks.limits']],
	[
		'a new secret is the old one',
		(() => {
			const secrets = new Map<string, unknown>();
			return {
				answer: (exchange) => {
					const { body, path } = exchange;
					if (isCreate(exchange) && body?.secret) secrets.set(`${WEBHOOKS}/${body.id}/secret`, body.secret);
					else if (isCall(exchange, 'POST', '/secret') && body?.secret)
						exchange.body = { ...body, secret: secrets.get(path) };
				},
			} satisfies Breakage;
		})(),
		['webhooks.rotated'],
	],
	[
		'an old secret ends at once',
		answering(
			(exchange) => isCall(exchange, 'POST', '/secret'),
			() => ({ previousSecretUntil: new Date().toISOString() }),
		),
		['webhooks.rotated'],
	],
	[
		'a replay counts messages that are not there',
		answering(
			(exchange) => isCall(exchange, 'POST', '/replay'),
			() => ({ count: 1 }),
		),
		['webhooks.failures'],
	],
	[
		'a missing webhook is no error',
		{
			answer: (exchange) => {
				if (exchange.path.startsWith(`${WEBHOOKS}/wh_0000`)) exchange.status = 200;
			},
		},
		['webhooks.missing'],
	],
	[
		'another secret signs',
		answering(isCreate, () => ({ secret: SECRET })),
		['webhooks.signed-twice', 'webhooks.tells', 'webhooks.tested'],
	],
	[
		'the new secret does not sign',
		answering(
			(exchange) => isCall(exchange, 'POST', '/secret'),
			() => ({ secret: SECRET }),
		),
		['webhooks.signed-twice'],
	],
	[
		'each test is said to be a success',
		answering(
			(exchange) => isCall(exchange, 'POST', '/test'),
			() => ({ delivered: true, status: 204, error: null }),
		),
		['webhooks.redirected', 'webhooks.tests-failing'],
	],
	[
		'nothing is told to this machine',
		{
			request: (request) => {
				if (request.url.pathname !== WEBHOOKS || !request.body.includes('127.0.0.1')) return;
				request.body = JSON.stringify({ ...JSON.parse(request.body), events: ['event:nothing'] });
			},
		},
		['webhooks.tells', 'webhooks.tries-again'],
	],
	[
		'the list of what failed is always empty',
		answering(
			(exchange) => isCall(exchange, 'GET', '/deliveries'),
			() => ({ data: [] }),
		),
		['webhooks.tries-again'],
	],
];

import { type Probe, reading, writing } from '../check.ts';
import {
	Deviation,
	expectEqual,
	expectError,
	expectStatus,
	expectTrue,
	type JsonObject,
	pathsOf,
} from '../expect.ts';
import type { Answer, Call } from '../server.ts';

const WEBHOOKS = '/v1/webhooks';
/** A public address at which nothing is: RFC 2606. */
const NOWHERE = 'https://hooks.invalid.example.com/sessions';
const MISSING = '/wh_00000000000000000000000000';
const DAY_MS = 86_400_000;

/** Calls of webhooks. */
export const webhook = ({ send }: Probe, method: string, path = '', call: Call = {}): Promise<Answer> =>
	send(method, { base: WEBHOOKS, path, ...call });

/** A webhook that a check made. */
export interface Made {
	id: string;
	path: string;
	secret: string;
	body: JsonObject;
}

/** Reads the response to the creation of a webhook. */
export function madeOf(answer: Answer): Made {
	const body = expectStatus(answer, 201);
	const { id, secret } = body;
	if (typeof id !== 'string' || typeof secret !== 'string')
		throw new Deviation(`${answer.request}: id or secret is no text`);
	return { id, path: `/${encodeURIComponent(id)}`, secret, body };
}

/** Makes a webhook, uses it, and deletes it in any case. */
async function withWebhook(
	probe: Probe,
	use: (made: Made) => Promise<unknown>,
	events: string[] = ['session.created'],
): Promise<void> {
	const made = madeOf(await webhook(probe, 'POST', '', { body: { url: NOWHERE, events } }));
	try {
		await use(made);
	} finally {
		await webhook(probe, 'DELETE', made.path);
	}
}

/** A secret of the Standard Webhooks specification: 24 to 64 bytes in base64, after `whsec_`. */
function expectSecret(secret: unknown): void {
	const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(String(secret)) ?? [];
	const bytes = base64 === '' ? 0 : atob(base64).length;
	expectTrue(bytes >= 24 && bytes <= 64, 'the secret is not whsec_ and 24 to 64 bytes in base64');
}

/** Webhooks, without receiving anything. */
export const webhooksChecks = [
	writing(
		'webhooks.created',
		'extensions: webhooks.secret',
		'a new webhook has a secret, and no later response has it',
		(probe) =>
			withWebhook(probe, async ({ id, path, secret, body }) => {
				expectSecret(secret);
				expectEqual(
					[body.url, body.events, body.disabled],
					[NOWHERE, ['session.created'], null],
					'url, events, disabled',
				);
				const answer = await webhook(probe, 'GET', path);
				const { secret: _, ...others } = body;
				expectEqual(expectStatus(answer, 200), others, 'the webhook');
				const list = await webhook(probe, 'GET');
				const found = (expectStatus(list, 200).data as JsonObject[]).filter((each) => each.id === id);
				expectEqual(found, [others], 'the webhook in the list');
			}),
	),

	writing(
		'webhooks.updated',
		'extensions: webhooks.updates',
		'an update replaces what it names, disables and enables',
		(probe) =>
			withWebhook(probe, async ({ path }) => {
				const update = async (body: unknown) => {
					const answer = await webhook(probe, 'PATCH', path, { body });
					const { url, events, disabled } = expectStatus(answer, 200);
					return [url, events, (disabled as JsonObject | null)?.code ?? null];
				};
				expectEqual(await update({ events: ['event:a.*'] }), [NOWHERE, ['event:a.*'], null], 'other events');
				const disabled = [NOWHERE, ['event:a.*'], 'REQUESTED'];
				expectEqual(await update({ enabled: false }), disabled, 'disabled');
				expectEqual(await update({}), disabled, 'an empty update');
				const other = `${NOWHERE}/other`;
				expectEqual(await update({ url: other, enabled: true }), [other, ['event:a.*'], null], 'enabled');
			}),
	),

	writing(
		'webhooks.deleted',
		'extensions: webhooks.updates',
		'a webhook that is deleted gets a 404',
		(probe) =>
			withWebhook(probe, async ({ path }) => {
				expectEqual(
					expectStatus(await webhook(probe, 'DELETE', path), 200),
					{ success: true },
					'the response',
				);
				expectError(await webhook(probe, 'GET', path), 404, 'NOT_FOUND');
			}),
	),

	writing(
		'webhooks.address',
		'extensions: webhooks.address',
		'an address that is not public gets a 400, in a create and in an update',
		(probe) =>
			withWebhook(probe, async ({ path }) => {
				const urls = [
					...[
						'http://hooks.example.com/',
						'https://10.0.0.1/',
						'https://0xa9fea9fe/',
						'https://169.254.169.254./',
					],
					...['https://[fe80::1]/', 'https://[::ffff:10.0.0.1]/', 'https://metadata.google.internal/'],
					...['https://user@hooks.example.com/', 'https://hooks.example.com/#a', 'hooks.example.com'],
				];
				for (const url of urls) {
					const created = await webhook(probe, 'POST', '', { body: { url, events: ['session.created'] } });
					if (created.status === 201) await webhook(probe, 'DELETE', madeOf(created).path);
					const updated = await webhook(probe, 'PATCH', path, { body: { url } });
					for (const answer of [created, updated])
						expectEqual(
							pathsOf(expectError(answer, 400, 'VALIDATION_ERROR')),
							['url'],
							`${url}: paths of the details`,
						);
				}
			}),
	),

	writing(
		'webhooks.limits',
		'extensions: webhooks.limits',
		'the eleventh webhook gets a 403, and unknown or too many names a 400',
		async (probe) => {
			const before = (expectStatus(await webhook(probe, 'GET'), 200).data as unknown[]).length;
			const made: Made[] = [];
			try {
				for (let n = before; n <= 10; n += 1) {
					const answer = await webhook(probe, 'POST', '', { body: { url: NOWHERE, events: ['event:a'] } });
					if (answer.status === 201) made.push(madeOf(answer));
					else expectError(answer, 403, 'QUOTA_EXCEEDED');
				}
			} finally {
				for (const { path } of made) await webhook(probe, 'DELETE', path);
			}
			expectEqual(made.length, 10 - before, 'webhooks that were made');
			const tooMany = Array.from({ length: 21 }, (_, n) => `event:${n}`);
			for (const events of [['session.read'], ['event:*a'], [], tooMany]) {
				const answer = await webhook(probe, 'POST', '', { body: { url: NOWHERE, events } });
				if (answer.status === 201) await webhook(probe, 'DELETE', madeOf(answer).path);
				expectError(answer, 400, 'VALIDATION_ERROR');
			}
		},
	),

	writing(
		'webhooks.rotated',
		'extensions: webhooks.rotation',
		'a new secret is another one, and the old one signs for 24 hours more',
		(probe) =>
			withWebhook(probe, async ({ path, secret: first }) => {
				const answer = await webhook(probe, 'POST', `${path}/secret`);
				const { secret, previousSecretUntil } = expectStatus(answer, 201);
				expectSecret(secret);
				expectTrue(secret !== first, 'the new secret is the old one');
				const milliseconds = Date.parse(String(previousSecretUntil)) - Date.now();
				expectTrue(Math.abs(milliseconds - DAY_MS) < 60_000, `the old secret signs for ${milliseconds} ms`);
			}),
	),

	writing(
		'webhooks.failures',
		'extensions: webhooks.failures',
		'the list of what failed is empty at first, and there is nothing to send again',
		(probe) =>
			withWebhook(probe, async ({ path }) => {
				const list = await webhook(probe, 'GET', `${path}/deliveries`);
				expectEqual(expectStatus(list, 200), { data: [], hasMore: false }, 'the list');
				const body = { since: new Date(Date.now() - DAY_MS).toISOString() };
				const replay = await webhook(probe, 'POST', `${path}/replay`, { body });
				expectEqual(expectStatus(replay, 202), { count: 0, goesOnFrom: null }, 'the replay');
				const delivery = '/deliveries/dlv_1768469400000_01k2vxq8f3e7ttyyds0t6w2h4b_v7/retry';
				expectError(await webhook(probe, 'POST', path + delivery), 404, 'NOT_FOUND');
			}),
	),

	reading(
		'webhooks.missing',
		'extensions: webhooks.missing',
		'each call on a missing webhook gets a 404',
		async (probe) => {
			const calls: [method: string, path: string, body?: unknown][] = [
				['GET', ''],
				['PATCH', '', { enabled: true }],
				['DELETE', ''],
				['POST', '/test'],
				['POST', '/secret'],
				['GET', '/deliveries'],
				['POST', '/replay', { since: '2026-01-15T09:30:00Z' }],
			];
			for (const [method, path, body] of calls) {
				const call = body === undefined ? {} : { body };
				expectError(await webhook(probe, method, MISSING + path, call), 404, 'NOT_FOUND');
			}
		},
	),
];

import { Webhook } from 'standardwebhooks';
import { type Check, type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectStatus, expectTrue, isObject, type JsonObject } from '../expect.ts';
import type { Message, Receiver } from '../receiver.ts';
import { type Made, madeOf, webhook } from './webhooks.ts';

/** How much longer than a response a message may take: a queue gathers what it gives for some time. */
const LATER_MS = 10_000;

/** What a check of messages works with. */
interface Receiving {
	probe: Probe;
	receiver: Receiver;
	made: Made;
}

/** Makes a webhook that sends to this machine. Skips the check where the server does not, or where nothing can receive. */
const receiving = (
	id: string,
	proves: string,
	title: string,
	{ path, events }: { path: string; events: string[] },
	use: (with_: Receiving) => Promise<unknown>,
): Check =>
	writing(id, `extensions: ${proves}`, title, async (probe) => {
		const receiver = await probe.server.receive?.();
		if (!receiver) return 'needs a receiver of messages';
		try {
			const answer = await webhook(probe, 'POST', '', { body: { url: receiver.url + path, events } });
			if (answer.status === 400 && answer.text.includes('REFUSED_ADDRESS'))
				return 'the server sends nothing to this machine: WEBHOOKS_ALLOW_LOOPBACK';
			const made = madeOf(answer);
			try {
				await use({ probe, receiver, made });
			} finally {
				await webhook(probe, 'DELETE', made.path);
			}
			return undefined;
		} finally {
			receiver.close();
		}
	});

const test = async ({ probe, made }: Receiving): Promise<JsonObject> =>
	expectStatus(await webhook(probe, 'POST', `${made.path}/test`), 200);

/** Returns what a message says. It must be signed with a secret, by the Standard Webhooks specification. */
function saidBy({ headers, text }: Message, secret: string): JsonObject {
	let said: unknown;
	try {
		said = new Webhook(secret).verify(text, headers);
	} catch (error) {
		expectTrue(false, `a message is not signed with its secret: ${error}`);
	}
	expectTrue(isObject(said), 'a message is no JSON object');
	return said as JsonObject;
}

const isSignedWith = ({ headers, text }: Message, secret: string): boolean => {
	try {
		new Webhook(secret).verify(text, headers);
		return true;
	} catch {
		return false;
	}
};

/** The messages of webhooks, as a receiver on this machine gets them. */
export const webhooksMessagesChecks = [
	receiving(
		'webhooks.tested',
		'webhooks.test',
		'a test sends one signed message, and says how that went',
		{ path: '/204', events: ['event:a'] },
		async (with_) => {
			const { delivered, status, error, id } = await test(with_);
			expectEqual([delivered, status, error], [true, 204, null], 'delivered, status, error');
			const [message] = with_.receiver.messages;
			expectEqual(
				[with_.receiver.messages.length, message?.headers['webhook-id']],
				[1, id],
				'messages, webhook-id',
			);
			if (message) expectEqual(saidBy(message, with_.made.secret).type, 'webhook.test', 'type');
		},
	),

	receiving(
		'webhooks.tests-failing',
		'webhooks.test',
		'a test says that an answer is no success',
		{ path: '/500', events: ['event:a'] },
		async (with_) => {
			const { delivered, status, error } = await test(with_);
			expectEqual([delivered, status, error], [false, 500, 'STATUS'], 'delivered, status, error');
		},
	),

	receiving(
		'webhooks.redirected',
		'webhooks.address',
		'a redirect is not followed',
		{ path: '/307', events: ['event:a'] },
		async (with_) => {
			const { delivered } = await test(with_);
			expectEqual(delivered, false, 'delivered');
			expectEqual(with_.receiver.messages.length, 1, 'requests');
		},
	),

	receiving(
		'webhooks.signed-twice',
		'webhooks.rotation',
		'after a change of the secret, a message is signed with both',
		{ path: '/204', events: ['event:a'] },
		async (with_) => {
			const { probe, made, receiver } = with_;
			const { secret } = expectStatus(await webhook(probe, 'POST', `${made.path}/secret`), 201);
			await test(with_);
			for (const message of receiver.messages) {
				const signed = [made.secret, String(secret)].map((each) => isSignedWith(message, each));
				expectEqual(signed, [true, true], 'signed with the old secret, with the new one');
			}
		},
	),

	receiving(
		'webhooks.tells',
		'webhooks.messages',
		'each change that the webhook asks for is told once, without content, and nothing else',
		{
			path: '/204',
			events: ['session.created', 'session.status_changed', 'session.deleted', 'event:input.*'],
		},
		async ({ probe, receiver, made }) => {
			const id = await probe.create({ prd: { title: 'not told' } });
			const append = (type: string) =>
				probe.send('POST', { path: `${pathOf(id)}/events`, body: { type, payload: { text: 'not told' } } });
			const { id: eventId } = expectStatus(await append('input.given'), 201);
			expectStatus(await append('other'), 201);
			for (const body of [{ plan: { text: 'not told' } }, { status: 'complete' }, { status: 'complete' }])
				expectStatus(await probe.send('PATCH', { path: pathOf(id), body }), 200);
			expectStatus(await probe.send('DELETE', { path: pathOf(id) }), 200);
			await receiver.until(4, probe.server.timeout + LATER_MS);
			const told = receiver.messages.map((message) => saidBy(message, made.secret));
			const types = told.map(({ type }) => String(type)).sort();
			expectEqual(
				types,
				['event:input.given', 'session.created', 'session.deleted', 'session.status_changed'],
				'the types of the messages',
			);
			for (const { type, timestamp, data } of told) {
				expectTrue(!Number.isNaN(Date.parse(String(timestamp))), `${type}: timestamp is no time`);
				const { sessionId, eventId: event } = data as JsonObject;
				expectEqual(
					[sessionId, event],
					[id, type === 'event:input.given' ? eventId : undefined],
					`${type}: sessionId, eventId`,
				);
			}
			expectTrue(!receiver.messages.some(({ text }) => text.includes('not told')), 'a message has content');
		},
	),

	receiving(
		'webhooks.tries-again',
		'webhooks.failures',
		'a message that fails comes again with the same id, and is in the list of what failed',
		{ path: '/500', events: ['session.created'] },
		async ({ probe, receiver, made }) => {
			const id = await probe.create();
			await receiver.until(2, probe.server.timeout + LATER_MS);
			const [first, second] = receiver.messages.map(({ headers }) => headers['webhook-id']);
			expectTrue(first !== undefined && second !== undefined, 'the message did not come again');
			expectEqual(second, first, 'the second webhook-id');
			const list = await webhook(probe, 'GET', `${made.path}/deliveries`);
			const [delivery, ...others] = expectStatus(list, 200).data as JsonObject[];
			const { messageId, sessionId, lastError, lastStatus } = delivery ?? {};
			expectEqual(
				[messageId, sessionId, lastError, lastStatus],
				[first, id, 'STATUS', 500],
				'messageId, sessionId, lastError, lastStatus',
			);
			expectEqual(others, [], 'other deliveries');
		},
	),
];

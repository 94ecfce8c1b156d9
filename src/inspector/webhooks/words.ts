import type { WebhookDelivery, WebhookTest } from '../../client/webhooks.ts';
import { ago, lengthOf } from '../time.ts';
import type { WatchedWebhook } from './use-webhooks.ts';

/** How a try went, to be read after “it”. */
export function outcomeOf(error: WebhookDelivery['lastError'], status: number | null): string {
	switch (error) {
		case 'REDIRECT':
			return `answered ${status}, a redirect, which is not followed`;
		case 'TIMEOUT':
			return 'gave no answer in 15 s';
		case 'CONNECTION':
			return 'could not be reached';
		case 'REFUSED_ADDRESS':
			return 'leads to an address to which the service sends nothing';
		default:
			return `answered ${status}`;
	}
}

/** How a test went. */
export const testedWords = ({ delivered, error, status, durationMs }: WebhookTest): string =>
	`${delivered ? 'The test arrived' : 'The test failed'}: the endpoint ${outcomeOf(error, status)} after ${durationMs} ms.`;

/** How a webhook is, in a word and in a sentence. `kind` is that of its badge. */
export function stateOf(
	{ webhook: { disabled }, failures: { data, hasMore } }: WatchedWebhook,
	now: number,
): { word: string; kind: 'failed' | 'complete'; sentence: string } {
	if (disabled) {
		const since = `Disabled ${ago(disabled.at, now)}: nothing is sent.`;
		return { word: 'disabled', kind: 'failed', sentence: `${since} ${disabled.reason}` };
	}
	if (data.length === 0) return { word: 'works', kind: 'complete', sentence: 'Nothing has failed.' };
	const waiting = data.filter(({ nextTryAt }) => nextTryAt !== null).length;
	const given = data.length - waiting;
	const last = data.reduce((latest, each) =>
		(each.lastTryAt ?? '') > (latest.lastTryAt ?? '') ? each : latest,
	);
	const lastTry =
		last.lastTryAt === null
			? ''
			: ` The last failed try was ${ago(last.lastTryAt, now)}: the endpoint ${outcomeOf(last.lastError, last.lastStatus)}.`;
	return {
		word: waiting > 0 ? 'failing' : 'given up',
		kind: 'failed',
		sentence: `${hasMore ? 'More than ' : ''}${missingWords(waiting, given)}${lastTry}`,
	};
}

/** So many messages have not arrived: those that are tried again, and those that are not. */
function missingWords(waiting: number, given: number): string {
	const all = waiting + given;
	const missing = `${all.toLocaleString('en')} ${all === 1 ? 'message has' : 'messages have'} not arrived`;
	if (given === 0) return `${missing} and will be tried again.`;
	if (waiting === 0) return `${missing}. The service has given up.`;
	return `${missing}: ${waiting.toLocaleString('en')} will be tried again, ${given.toLocaleString('en')} given up.`;
}

/** What comes next for a message that has not arrived. */
export function nextOf({ nextTryAt }: WebhookDelivery, isDisabled: boolean, now: number): string {
	if (nextTryAt === null) return 'Given up.';
	const inMs = Date.parse(nextTryAt) - now;
	if (isDisabled) return 'Sent once the webhook is enabled.';
	return inMs <= 0 ? 'Due now.' : `Next try in ${lengthOf(inMs)}.`;
}

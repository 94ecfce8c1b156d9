import { useRef, useState } from 'preact/hooks';
import { ApiError } from '../../client/client.ts';
import type { Webhook, WebhookDelivery, Webhooks } from '../../client/webhooks.ts';
import { useRepeated } from '../repeated.ts';
import { wordsWhileRetrying } from '../service.ts';

/** Each reading makes one call more than there are webhooks, of which a caller has at most ten. */
const POLL_MS = 5000;
/** Whoever has done something waits for its effect. */
const HASTY_MS = 1000;
const HASTY_FOR_MS = 10_000;
const PAGE = 20;

/** The newest messages that did not arrive. */
export interface Failures {
	data: readonly WebhookDelivery[];
	/** Whether there are older ones. */
	hasMore: boolean;
}

/** A webhook with what failed. */
export interface WatchedWebhook {
	webhook: Webhook;
	failures: Failures;
}

interface Shown {
	webhooks: readonly WatchedWebhook[] | undefined;
	/** Why they are not up to date. */
	problem: string | undefined;
}

async function readFailures(
	webhooks: Webhooks,
	id: string,
	pages: number,
	signal: AbortSignal,
): Promise<Failures> {
	const data: WebhookDelivery[] = [];
	for (let page = 1; ; page += 1) {
		const before = data.at(-1)?.id;
		const read = await webhooks.deliveries(id, {
			limit: PAGE,
			...(before !== undefined && { before }),
			signal,
			maxRetries: 0,
		});
		data.push(...read.data);
		if (!read.hasMore || page === pages) return { data, hasMore: read.hasMore };
	}
}

/** The webhooks, read again and again while the page is in view. Of the open one so many pages of its failures are read. */
export function useWebhooks(
	webhooks: Webhooks,
	openId: string,
	pages: number,
): Shown & { refresh: () => void } {
	const [shown, setShown] = useState<Shown>({ webhooks: undefined, problem: undefined });
	const hastyUntil = useRef(0);
	const readNow = useRepeated(
		async (signal) => {
			try {
				const { data } = await webhooks.list({ signal, maxRetries: 0 });
				const watched = await Promise.all(
					data.map(async (webhook) => ({
						webhook,
						failures: await readFailures(webhooks, webhook.id, webhook.id === openId ? pages : 1, signal),
					})),
				);
				setShown({ webhooks: watched, problem: undefined });
			} catch (error) {
				if (signal.aborted) return;
				if (!(error instanceof ApiError)) throw error;
				// Somebody deleted one of them while the others were read.
				if (error.status !== 404) setShown((before) => ({ ...before, problem: problemFor(error) }));
			}
		},
		() => (Date.now() < hastyUntil.current ? HASTY_MS : POLL_MS),
		[webhooks, openId, pages],
	);
	return {
		...shown,
		refresh() {
			hastyUntil.current = Date.now() + HASTY_FOR_MS;
			readNow();
		},
	};
}

/** What does not change by itself is not tried again by itself, as far as the reader is concerned. */
const problemFor = (error: ApiError): string =>
	error.status === 403 ? `This key may not see webhooks. ${error.message}` : wordsWhileRetrying(error);

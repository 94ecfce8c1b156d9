import { useEffect, useMemo, useState } from 'preact/hooks';
import { webhooksOf } from '../../client/webhooks.ts';
import { addressOf, addressOfWebhooks } from '../address.ts';
import { useNow } from '../observable.ts';
import type { Connection } from '../service.ts';
import { visible } from '../visible.ts';
import { WebhookCard } from './card.tsx';
import { useWebhooks } from './use-webhooks.ts';

/** The caller's webhooks: how each of them is, and what failed of the one that is open. */
export function WebhooksPage({
	connection: { connect, clock },
	openId,
	hasList,
}: {
	connection: Connection;
	openId: string;
	hasList: boolean;
}) {
	const calls = useMemo(() => webhooksOf(connect()), [connect]);
	const [pages, setPages] = useState(1);
	useEffect(() => setPages(1), [openId]);
	const { webhooks, problem, refresh } = useWebhooks(calls, openId, pages);
	const now = useNow(clock, 1000);
	useEffect(() => {
		const before = document.title;
		document.title = 'Webhooks';
		return () => {
			document.title = before;
		};
	}, []);
	const isMissing = openId !== '' && webhooks?.every(({ webhook }) => webhook.id !== openId);
	return (
		<article class="webhooks" aria-labelledby="webhooks-title">
			{hasList && (
				<a class="back" href={addressOf(undefined)}>
					← Sessions
				</a>
			)}
			<h1 id="webhooks-title" tabIndex={-1}>
				Webhooks
			</h1>
			<p class="problem" role="alert" hidden={problem === undefined}>
				{problem}
			</p>
			{isMissing && (
				<p class="problem" role="alert">
					This key has no webhook “{visible(openId.slice(0, 80))}”. It was deleted, or belongs to somebody
					else. <a href={addressOfWebhooks()}>All webhooks</a>
				</p>
			)}
			{webhooks === undefined && problem === undefined && <p class="hint">Reading…</p>}
			{webhooks?.length === 0 && (
				<p class="hint">
					There is no webhook yet. A program creates one with{' '}
					<a href="/docs#/Webhooks/createWebhook">POST /v1/webhooks</a>.
				</p>
			)}
			{webhooks?.map((watched) => (
				<WebhookCard
					key={watched.webhook.id}
					calls={calls}
					watched={watched}
					isOpen={watched.webhook.id === openId}
					now={now}
					onChanged={refresh}
					onMore={() => setPages(pages + 1)}
				/>
			))}
		</article>
	);
}

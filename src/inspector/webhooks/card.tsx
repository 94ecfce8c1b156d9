import { useId, useState } from 'preact/hooks';
import type { Webhooks } from '../../client/webhooks.ts';
import { addressOfWebhooks } from '../address.ts';
import { Problem, useAction } from '../components.tsx';
import { lengthOf } from '../time.ts';
import { visible } from '../visible.ts';
import { FailureList } from './failures.tsx';
import { SendAllAgain } from './send-all-again.tsx';
import type { WatchedWebhook } from './use-webhooks.ts';
import { stateOf, testedWords } from './words.ts';

/** A webhook: where it leads, what it tells of, and how it is. When it is open, also what failed and what one can do. */
export function WebhookCard({
	calls,
	watched,
	isOpen,
	now,
	onChanged,
	onMore,
}: {
	calls: Webhooks;
	watched: WatchedWebhook;
	isOpen: boolean;
	now: number;
	/** After something was done of which the page wants to see the effect. */
	onChanged: () => void;
	/** Wants older failures. */
	onMore: () => void;
}) {
	const { webhook, failures } = watched;
	const { id, url, events, disabled } = webhook;
	const until = Date.parse(webhook.previousSecretUntil ?? '');
	const isRotating = until > now;
	const title = useId();
	const action = useAction();
	const [said, setSaid] = useState('');
	const [isSendingAll, setSendingAll] = useState(false);
	const { word, kind, sentence } = stateOf(watched, now);
	const run = (what: () => Promise<string>) => {
		setSaid('');
		action.run(async () => {
			setSaid(await what());
			onChanged();
		});
	};
	return (
		<section class="card webhook" aria-labelledby={title}>
			<div class="card-head">
				<h2 id={title}>
					<a href={addressOfWebhooks(isOpen ? '' : id)} aria-expanded={isOpen}>
						{visible(url)}
					</a>
				</h2>
				<span class={`badge ${kind}`}>{word}</span>
			</div>
			<p class="state">
				{sentence}
				{isRotating && ` The secret before the present one signs for ${lengthOf(until - now)} more.`}
			</p>
			<p class="hint">
				Tells of{' '}
				{events.map((name, index) => (
					<>
						{index > 0 && ', '}
						<code>{visible(name)}</code>
					</>
				))}
			</p>
			{isOpen && (
				<>
					<div class="buttons">
						{disabled && (
							<button
								type="button"
								class="main"
								aria-disabled={action.isRunning}
								onClick={() =>
									run(async () => {
										await calls.update(id, { enabled: true });
										return 'The webhook is enabled. What waits for it is sent now.';
									})
								}
							>
								Enable again
							</button>
						)}
						<button
							type="button"
							aria-disabled={action.isRunning}
							onClick={() => run(async () => testedWords(await calls.test(id)))}
						>
							Send a test
						</button>
						{failures.data.length > 0 && (
							<button type="button" onClick={() => setSendingAll(true)}>
								Send all again…
							</button>
						)}
						<code class="hint">{id}</code>
					</div>
					<p role="status">{action.isRunning ? 'Waiting for the answer…' : said}</p>
					<Problem text={action.problem} />
					<FailureList
						calls={calls}
						webhook={webhook}
						failures={failures}
						now={now}
						onChanged={onChanged}
						onMore={onMore}
					/>
				</>
			)}
			{isSendingAll && (
				<SendAllAgain
					calls={calls}
					id={id}
					oldest={failures.data.at(-1)?.createdAt}
					onSent={(words) => {
						setSendingAll(false);
						setSaid(words);
						onChanged();
					}}
					onClose={() => setSendingAll(false)}
				/>
			)}
		</section>
	);
}

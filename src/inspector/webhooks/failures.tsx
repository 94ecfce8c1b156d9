import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Webhook, WebhookDelivery, Webhooks } from '../../client/webhooks.ts';
import { addressOf, addressOfEvent } from '../address.ts';
import { Ago, Problem, useAction } from '../components.tsx';
import { knownTitle } from '../sessions/use-facts.ts';
import { visible } from '../visible.ts';
import type { Failures } from './use-webhooks.ts';
import { nextOf, outcomeOf } from './words.ts';

/** The messages of a webhook that did not arrive, newest first. Each can be sent again. */
export function FailureList({
	calls,
	webhook: { id, disabled },
	failures: { data, hasMore },
	now,
	onChanged,
	onMore,
}: {
	calls: Webhooks;
	webhook: Webhook;
	failures: Failures;
	now: number;
	onChanged: () => void;
	onMore: () => void;
}) {
	const title = useId();
	const action = useAction();
	const [sent, setSent] = useState<WebhookDelivery>();
	const box = useRef<HTMLElement>(null);
	const heading = useRef<HTMLHeadingElement>(null);
	const hadFocus = box.current?.contains(document.activeElement);
	// A message that has arrived leaves the list, with the button that was pressed.
	useLayoutEffect(() => {
		if (hadFocus && document.activeElement === document.body) heading.current?.focus();
	}, [data]);
	const sendAgain = (delivery: WebhookDelivery) =>
		action.run(async () => {
			await calls.retry(id, delivery.id);
			setSent(delivery);
			onChanged();
		});
	return (
		<section ref={box} aria-labelledby={title}>
			<div class="failures-head">
				<h3 id={title} ref={heading} tabIndex={-1}>
					Not arrived{' '}
					<span class="count">
						{data.length.toLocaleString('en')}
						{hasMore && '+'}
					</span>
				</h3>
				<p role="status">{sent && sentWords(sent, data, hasMore, disabled !== null)}</p>
			</div>
			<Problem text={action.problem} />
			{data.length === 0 && (
				<p class="hint">
					Here are the messages that did not arrive on their first try, until they do, or for seven days.
				</p>
			)}
			<ul class="failures">
				{data.map((delivery) => (
					<li key={delivery.id}>
						<div>
							<p>
								<strong>{visible(delivery.type)}</strong> <Ago time={delivery.createdAt} now={now} />{' '}
								<a href={addressIn(delivery)}>
									<SessionName id={delivery.sessionId} />
								</a>
							</p>
							<p class="hint" title={delivery.nextTryAt ?? undefined}>
								{triesOf(delivery)} {nextOf(delivery, disabled !== null, now)}
							</p>
						</div>
						<button
							type="button"
							aria-label={`Send again: ${visible(delivery.type)} of ${delivery.sessionId}`}
							aria-disabled={action.isRunning}
							onClick={() => sendAgain(delivery)}
						>
							Send again
						</button>
					</li>
				))}
			</ul>
			{hasMore && (
				<button type="button" onClick={onMore}>
					Load more
				</button>
			)}
		</section>
	);
}

/** A session by its title, if the list of sessions knows it, and by its id. */
const SessionName = ({ id }: { id: string }) => (
	<>
		<bdi>{knownTitle(id)}</bdi> <code>{id}</code>
	</>
);

const triesOf = ({ tries, lastError, lastStatus }: WebhookDelivery): string =>
	tries === 1
		? `One try: the endpoint ${outcomeOf(lastError, lastStatus)}.`
		: `${tries} tries: at the last one the endpoint ${outcomeOf(lastError, lastStatus)}.`;

/** Where one sees what the message is about. The id of a message about an event ends with the event's place. */
function addressIn({ sessionId, messageId }: WebhookDelivery): string {
	const [, position] = /_e0*(\d+)$/.exec(messageId) ?? [];
	return position === undefined ? addressOf(sessionId) : addressOfEvent(sessionId, Number(position));
}

/** What became of a message that was sent again. */
function sentWords(
	sent: WebhookDelivery,
	data: readonly WebhookDelivery[],
	hasMore: boolean,
	isDisabled: boolean,
): string {
	const name = visible(sent.type);
	const now = data.find(({ id }) => id === sent.id);
	if (now === undefined) {
		const isBelow = hasMore && sent.createdAt <= (data.at(-1)?.createdAt ?? '');
		return isBelow ? '' : `${name} has arrived.`;
	}
	if (now.tries > sent.tries) {
		return `${name} failed again: the endpoint ${outcomeOf(now.lastError, now.lastStatus)}.`;
	}
	return isDisabled ? `${name} is sent once the webhook is enabled.` : `${name} is sent again now.`;
}

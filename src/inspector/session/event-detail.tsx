import { useEffect, useState } from 'preact/hooks';
import type { Event } from '../../client/client.ts';
import { CopyButton, Fact } from '../components.tsx';
import { readPayload } from '../exact-json.ts';
import { JsonText } from '../json/json.tsx';
import { pretty } from '../json/text.ts';
import type { Connect } from '../service.ts';

/** One event with its payload. */
export function EventDetail({
	connect,
	event,
	previousId,
	onClose,
}: {
	connect: Connect;
	event: Event;
	previousId: string | undefined;
	onClose: () => void;
}) {
	const payload = usePayload(connect, event, previousId);
	const text = pretty(payload);
	return (
		<section class="event-detail" aria-labelledby="event-title">
			<div class="card-head">
				<h3 id="event-title">{event.type}</h3>
				<CopyButton label="Copy the payload" text={() => text} />
				<button type="button" class="quiet" aria-label="Close the event" onClick={onClose}>
					✕
				</button>
			</div>
			<dl class="facts">
				<Fact name="Time">{event.createdAt}</Fact>
				<Fact name="Stage">{event.stage ?? 'none'}</Fact>
				<Fact name="Id">
					<code>{event.id}</code>
				</Fact>
				{event.message !== null && <Fact name="Message">{event.message}</Fact>}
			</dl>
			<JsonText key={event.id} label={`Payload of ${event.type}`} text={text} />
		</section>
	);
}

/** The payload as the stream told it, and then as it is stored: the stream's was parsed, which may change numbers. */
function usePayload(connect: Connect, event: Event, previousId: string | undefined): string {
	const [exact, setExact] = useState<{ id: string; payload: string }>();
	useEffect(() => {
		const stop = new AbortController();
		readPayload(connect, event, previousId, stop.signal).then(
			(payload) => setExact({ id: event.id, payload }),
			// The stream's payload stays, and the stream tells what is wrong.
			() => {},
		);
		return () => stop.abort();
	}, [connect, event, previousId]);
	return exact?.id === event.id ? exact.payload : JSON.stringify(event.payload);
}

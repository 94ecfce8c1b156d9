import type { Reply } from './scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

/** The id of the event at a position. */
export const eventId = (position: number) => `evt_${String(position).padStart(10, '0')}${'0'.repeat(20)}`;

/** The frames of a stream. */
export const opening = ': following\nretry: 0\n\n';
export const event = (position: number) =>
	`id: ${eventId(position)}\nevent: event\ndata: ${JSON.stringify({ id: eventId(position), sessionId: ID, type: 'note', message: 'Größe' })}\n\n`;
export const state = (version: number, fields: object = {}) =>
	`event: session\ndata: ${JSON.stringify({ etag: `"${version}"`, id: ID, status: 'intake', ...fields })}\n\n`;
export const end = 'event: end\ndata: {"reason":"deleted"}\n\n';

/** What a stream does after its chunks. */
type After = 'ends' | 'breaks off' | 'stays open';

/** A stream of these chunks. `cancelled` is called when the client closes it. */
export const stream =
	(chunks: readonly (string | Uint8Array)[], after: After, cancelled: () => void = () => {}): Reply =>
	({ signal }) => {
		const body = new ReadableStream<Uint8Array>({
			start(controller) {
				for (const chunk of chunks) {
					controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
				}
				if (after === 'ends') controller.close();
				signal.addEventListener('abort', () => {
					cancelled();
					if (after === 'stays open') controller.error(signal.reason);
				});
			},
			pull(controller) {
				if (after === 'breaks off') controller.error(new TypeError('terminated'));
			},
		});
		return new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } });
	};

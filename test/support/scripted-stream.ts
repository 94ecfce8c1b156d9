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
export const snapshot = (version: number, fields: object = {}) =>
	`event: snapshot\ndata: ${JSON.stringify({ etag: `"${version}"`, session: sessionWith(fields) })}\n\n`;
/** A change of the version before this one. */
export const change = (version: number, { set = {}, merge = {} }: { set?: object; merge?: object } = {}) =>
	`event: change\ndata: ${JSON.stringify({
		etag: `"${version}"`,
		previous: `"${version - 1}"`,
		updatedAt: timeOf(version),
		set,
		merge,
	})}\n\n`;
export const end = 'event: end\ndata: {"reason":"deleted"}\n\n';

/** When a version of the session was made. */
export const timeOf = (version: number) => new Date(Date.UTC(2026, 0, 15, 9, 30, version)).toISOString();

/** The whole session. */
export const sessionWith = (fields: object = {}) => ({
	assemblyState: null,
	catalogVersion: null,
	createdAt: timeOf(0),
	expiresAt: '2026-01-22T09:30:00.000Z',
	id: ID,
	organizationId: null,
	plan: null,
	prd: null,
	productObject: null,
	productObjectHash: null,
	schemaVersion: null,
	status: 'intake',
	updatedAt: timeOf(1),
	userId: 'user_1',
	...fields,
});

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

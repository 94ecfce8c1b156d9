import type { Fetch } from '../../client/client.ts';
import { membersOf } from '../json/text.ts';
import { objectsIn } from '../live/exact-state.ts';
import type { ExactObjects } from '../model/object-names.ts';
import type { Connect } from '../service.ts';
import { titleIn } from '../session/title.ts';

/** An object may have 400,000 bytes. A title that is not near its beginning is not worth reading them. */
const MAX_READ = 16_384;

/** Reads the beginning of a response and leaves the rest. `onText` gets it; the client gets an empty session. */
const beginningOf =
	(field: string, onText: (text: string) => void): Fetch =>
	async (url, init) => {
		const response = await fetch(url, init);
		if (!response.ok || response.body === null) return response;
		const reader = response.body.getReader();
		const decoder = new TextDecoder();
		let text = '';
		while (text.length < MAX_READ) {
			const { done, value } = await reader.read();
			if (done) break;
			text += decoder.decode(value, { stream: true });
		}
		void reader.cancel();
		onText(text.slice(0, MAX_READ));
		return new Response(`{"${field}":null}`, { status: response.status, headers: response.headers });
	};

/** Reads what people call a session, if it is near the beginning of its requirements or of its product. */
export async function readTitle(
	connect: Connect,
	id: string,
	signal: AbortSignal,
): Promise<string | undefined> {
	for (const field of ['prd', 'productObject'] as const) {
		let text = '';
		const client = connect(
			beginningOf(field, (read) => {
				text = read;
			}),
		);
		await client.get(id, { fields: [field], signal, maxRetries: 0 });
		const start = text.indexOf('{', 1);
		const cut = start === -1 ? 'null' : text.slice(start);
		const objects: ExactObjects = { ...objectsIn(new Map()), [field]: cut };
		const title = membersOf(cut).size === 0 ? undefined : titleIn(objects);
		if (title !== undefined) return title;
	}
	return undefined;
}

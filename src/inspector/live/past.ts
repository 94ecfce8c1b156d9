import type { Client, Event } from '../../client/client.ts';

/** About so many characters are read at a time: payloads may be large. */
const PAGE_CHARACTERS = 400_000;
const MAX_PAGE = 1000;
const MIN_PAGE = 20;
const FIRST_PAGE = 50;

/** Reads the events before one, newest first, page by page. Each page is about as large as the one before, whatever its events hold. */
export async function* pastOf(
	client: Client,
	id: string,
	before: string,
	signal: AbortSignal,
): AsyncGenerator<Event[]> {
	let after = before;
	let limit = FIRST_PAGE;
	for (;;) {
		const { data, text } = await client.events(id, { order: 'desc', after, limit, signal }).withResponse();
		const oldest = data.data.at(-1);
		if (oldest === undefined) return;
		yield data.data;
		if (!data.hasMore) return;
		after = oldest.id;
		const each = text.length / data.data.length;
		limit = Math.round(Math.min(MAX_PAGE, Math.max(MIN_PAGE, PAGE_CHARACTERS / each)));
	}
}

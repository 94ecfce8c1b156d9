import type { Answered, WithResponse } from './answered.ts';
import { unexpected } from './error.ts';

/** A pending page: `await` it for the page, or iterate over it for the items of this page and all later ones. */
export interface Pages<Page, Item> extends Answered<Page>, AsyncIterable<Item> {}

/**
 * Joins a first page, which begins after `start`, with the pages after it. `next` returns undefined for the last page,
 * otherwise the id after which the next one begins, if the page tells it.
 */
export function pagesFrom<Page extends { data: Item[] }, Item>(
	first: Answered<Page>,
	start: string | undefined,
	next: (page: WithResponse<Page>) => { after: string | undefined } | undefined,
	pageAfter: (after: string) => Answered<Page>,
): Pages<Page, Item> {
	// A loop may begin long after the page was asked for, and hears of its failure then.
	first.catch(() => {});
	async function* iterate() {
		let page = await first.withResponse();
		let place = start;
		for (;;) {
			yield* page.data.data;
			const following = next(page);
			if (following === undefined) return;
			// Ending here would pass a part off as the whole, and asking again would never end.
			if (following.after === undefined || following.after === place) {
				throw unexpected("A proxy removed the Link to the next page. Add 'id' to the fields.");
			}
			place = following.after;
			page = await pageAfter(place).withResponse();
		}
	}
	return Object.assign(first, { [Symbol.asyncIterator]: iterate });
}

/** A pending page: `await` it for the page, or iterate over it for the items of this page and all later ones. */
export interface Pages<Page, Item> extends Promise<Page>, AsyncIterable<Item> {}

/** Joins a first page with a function that requests the page after a page. `next` returns undefined at the end. */
export function pagesFrom<Page, Item>(
	first: Promise<Page>,
	items: (page: Page) => readonly Item[],
	next: (page: Page) => Promise<Page> | undefined,
): Pages<Page, Item> {
	async function* iterate() {
		for (let page: Page | undefined = await first; page !== undefined; page = await next(page))
			yield* items(page);
	}
	return Object.assign(first, { [Symbol.asyncIterator]: iterate });
}

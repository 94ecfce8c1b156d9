import { type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, type JsonObject } from '../expect.ts';

async function appendInTurn({ send }: Probe, id: string, count: number): Promise<JsonObject[]> {
	const events: JsonObject[] = [];
	for (let n = 0; n < count; n += 1) {
		const path = `${pathOf(id)}/events`;
		events.push(expectStatus(await send('POST', { path, body: { type: `t${n}` } }), 201));
	}
	return events;
}

/** Pages of the events of a session. */
export const eventPagesChecks = [
	writing(
		'event-pages.pages',
		'extensions: event-pages.pages',
		'after and limit select the next events, oldest first',
		async (probe) => {
			const id = await probe.create();
			const events = await appendInTurn(probe, id, 5);
			const page = async (query: string) =>
				expectStatus(await probe.send('GET', { path: `${pathOf(id)}/events${query}` }), 200);
			expectEqual(await page(''), { data: events, hasMore: false }, 'all events');
			expectEqual(await page('?limit=2'), { data: events.slice(0, 2), hasMore: true }, 'the first page');
			const after = (at: number) => `?limit=2&after=${encodeURIComponent(String(events[at]?.id))}`;
			expectEqual(await page(after(1)), { data: events.slice(2, 4), hasMore: true }, 'the second page');
			expectEqual(await page(after(3)), { data: events.slice(4), hasMore: false }, 'the third page');
			expectEqual(await page(after(4)), { data: [], hasMore: false }, 'the page after the last event');
		},
	),

	writing(
		'event-pages.unknown',
		'extensions: event-pages.unknown',
		'after with an id that is no event of the session gets a 400',
		async (probe) => {
			const [stranger] = await appendInTurn(probe, await probe.create(), 1);
			const path = `${pathOf(await probe.create())}/events`;
			for (const after of ['nonsense', String(stranger?.id)]) {
				const answer = await probe.send('GET', { path: `${path}?after=${encodeURIComponent(after)}` });
				expectError(answer, 400, 'VALIDATION_ERROR');
			}
		},
	),
];

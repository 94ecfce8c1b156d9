import { type Probe, pathOf, reading, writing } from '../check.ts';
import { Deviation, expectEqual, expectTrue, type JsonObject } from '../expect.ts';
import { expectPage, expectSession } from './shapes.ts';

const list = async ({ send }: Probe, query = '') => expectPage(await send('GET', { path: query }));

/** The most pages to look through for a session. The document does not say in which order a list comes. */
const MAX_PAGES = 100;

const pageAt = (probe: Probe, offset: number, status?: string) =>
	list(probe, `?limit=100&offset=${offset}${status === undefined ? '' : `&status=${status}`}`);

const isIn = (page: readonly JsonObject[], id: string): boolean => page.some((session) => session.id === id);

/** Returns the offset of the page that shows a session, from the first page on. Throws a Deviation without such a page. */
async function find(probe: Probe, id: string, status?: string): Promise<number> {
	let offset = 0;
	for (let pages = 0; pages < MAX_PAGES; pages += 1) {
		const page = await pageAt(probe, offset, status);
		if (isIn(page, id)) return offset;
		if (page.length === 0) break;
		offset += page.length;
	}
	throw new Deviation(`the first ${offset} sessions of the list do not include ours`);
}

/** Listing sessions. */
export const listChecks = [
	reading(
		'list.answer',
		'reference: calls.list.answers.200',
		'a list is data and a pagination',
		async (probe) => {
			await list(probe);
		},
	),

	reading(
		'list.default',
		'reference: calls.list.query.limit',
		'a list without a limit has at most 20 sessions',
		async (probe) => {
			expectTrue((await list(probe)).length <= 20, 'more than 20 sessions');
		},
	),

	writing(
		'list.limit',
		'reference: calls.list.query.limit',
		'a list has at most as many sessions as its limit',
		async (probe) => {
			await probe.create();
			await probe.create();
			expectEqual((await list(probe, '?limit=1')).length, 1, 'sessions for ?limit=1');
			const many = await list(probe, '?limit=100');
			expectTrue(many.length >= 2 && many.length <= 100, `${many.length} sessions for ?limit=100`);
		},
	),

	writing(
		'list.offset',
		'reference: calls.list.query.offset',
		'an offset leaves out as many sessions as it says',
		async (probe) => {
			await probe.create();
			await probe.create();
			// Another client may create a session in between.
			let seen: unknown[] = [];
			for (let attempt = 0; attempt < 3; attempt += 1) {
				const [first, second] = await list(probe, '?limit=2');
				const [next] = await list(probe, '?limit=1&offset=1');
				if (next && next.id === second?.id && next.id !== first?.id) return;
				seen = [first?.id, second?.id, next?.id];
			}
			const [first, second, next] = seen;
			throw new Deviation(`?limit=2 shows ${first} and ${second}, and ?limit=1&offset=1 shows ${next}`);
		},
	),

	writing(
		'list.includes',
		'reference: calls.list.answers.200.data',
		'a list includes a new session, and not one that was deleted',
		async (probe) => {
			const id = await probe.create();
			const offset = await find(probe, id);
			await probe.send('DELETE', { path: pathOf(id) });
			expectTrue(!isIn(await pageAt(probe, offset), id), 'the list still includes the deleted session');
		},
	),

	writing(
		'list.filter',
		'reference: calls.list.query.status',
		'a list with a status has only sessions in that status',
		async (probe) => {
			const [failed, other] = [await probe.create(), await probe.create()];
			expectSession(await probe.send('PATCH', { path: pathOf(failed), body: { status: 'failed' } }));
			for (const { status } of await list(probe, '?status=failed&limit=100')) {
				expectEqual(status, 'failed', 'the status of a session for ?status=failed');
			}
			const offset = await find(probe, failed, 'failed');
			const page = await pageAt(probe, offset, 'failed');
			expectTrue(!isIn(page, other), 'a session in another status is there as well');
		},
	),
];

import { type Probe, pathOf, reading, writing } from '../check.ts';
import { Deviation, expectEqual, expectError, expectStatus, expectTrue } from '../expect.ts';
import type { Answer } from '../server.ts';
import { idsOf } from './answers.ts';

const idsOfPage = (answer: Answer): unknown[] => idsOf(expectStatus(answer, 200).data);

/** Creates sessions at different times, and returns their ids in the order of the list: the newest first. */
async function createInTurn(probe: Probe, count: number): Promise<string[]> {
	const ids: string[] = [];
	for (let n = 0; n < count; n += 1) {
		ids.unshift(await probe.create());
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	return ids;
}

const pageAfter = ({ send }: Probe, id: string, limit: number) =>
	send('GET', { path: `?after=${encodeURIComponent(id)}&limit=${limit}` });

/** The query of the next page; undefined on the last page. */
function nextQuery({ headers }: Answer, baseUrl: string): URLSearchParams | undefined {
	const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headers.get('Link') ?? '') ?? [];
	return target === undefined ? undefined : new URL(target, baseUrl).searchParams;
}

/** Pages by place. */
export const pagesChecks = [
	writing(
		'pages.after',
		'extensions: pages.after',
		'after=<id> returns the sessions that follow it in the list',
		async (probe) => {
			const [newest = '', ...older] = await createInTurn(probe, 4);
			const page = await pageAfter(probe, newest, 2);
			expectEqual(idsOfPage(page), older.slice(0, 2), 'the sessions after our newest');
			const { pagination } = expectStatus(page, 200);
			expectEqual(pagination, { limit: 2, hasMore: true }, 'pagination');
		},
	),

	writing(
		'pages.deleted',
		'extensions: pages.deleted',
		'a session that was deleted keeps its place',
		async (probe) => {
			const [newest = '', middle = '', oldest = ''] = await createInTurn(probe, 3);
			expectStatus(await probe.send('DELETE', { path: pathOf(middle) }), 200);
			expectEqual(idsOfPage(await pageAfter(probe, middle, 1)), [oldest], 'after a deleted session');
			expectEqual(idsOfPage(await pageAfter(probe, newest, 1)), [oldest], 'after the one before it');
		},
	),

	reading(
		'pages.offset',
		'extensions: pages.offset',
		'after together with an offset gets a 400',
		async ({ send }) => {
			const path = '?after=sess_00000000000000000000000000&offset=1';
			expectError(await send('GET', { path }), 400, 'VALIDATION_ERROR');
		},
	),

	writing(
		'pages.link',
		'extensions: pages.link',
		'Link leads from page to page, and keeps limit and status',
		async (probe) => {
			const ours = await createInTurn(probe, 4);
			expectStatus(
				await probe.send('PATCH', { path: pathOf(ours[1] ?? ''), body: { status: 'failed' } }),
				200,
			);
			const expected = ours.filter((_, at) => at !== 1);
			const found: unknown[] = [];
			let query = new URLSearchParams({ limit: '1', status: 'intake' });
			// Other clients may create sessions meanwhile, but not many.
			for (let pages = 0; pages < 20 && found.length < expected.length; pages += 1) {
				const answer = await probe.send('GET', { path: `?${query}` });
				const ids = idsOfPage(answer);
				expectTrue(ids.length <= 1, `a page with limit=1 has ${ids.length} sessions`);
				found.push(...ids.filter((id) => ours.includes(String(id))));
				if (found.length === expected.length) break;
				const next = nextQuery(answer, probe.server.baseUrl);
				if (!next) throw new Deviation(`${answer.request}: there is no Link with rel="next"`);
				expectEqual([next.get('limit'), next.get('status')], ['1', 'intake'], 'limit and status of the Link');
				expectTrue(next.has('after'), 'the Link has no after');
				query = next;
			}
			expectEqual(found, expected, 'our sessions on the pages');
		},
	),
];

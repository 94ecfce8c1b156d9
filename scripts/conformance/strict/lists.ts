import { type Probe, reading, writing } from '../check.ts';
import {
	expectEqual,
	expectError,
	expectStatus,
	expectTrue,
	isObject,
	type JsonObject,
	pathsOf,
} from '../expect.ts';
import type { Answer } from '../server.ts';
import { expectShape } from './shapes.ts';

interface Page {
	data: JsonObject[];
	pagination: { limit: number; offset: number; total: number };
}

function page(answer: Answer): Page {
	const body = expectStatus(answer, 200);
	const { request } = answer;
	expectEqual(Object.keys(body), ['data', 'pagination'], `${request}: fields, in order`);
	const { data, pagination } = body;
	expectTrue(Array.isArray(data) && data.every(isObject), `${request}: data must be sessions`);
	expectTrue(isObject(pagination), `${request}: pagination must be an object`);
	expectEqual(
		Object.keys(pagination as JsonObject),
		['limit', 'offset', 'total'],
		`${request}: fields of pagination, in order`,
	);
	return body as unknown as Page;
}

const list = async ({ send }: Probe, query = '') => page(await send('GET', { path: query }));

/** Creates sessions at different times and returns their ids in that order. */
async function createInTurn(probe: Probe, count: number): Promise<string[]> {
	const ids: string[] = [];
	for (let n = 0; n < count; n += 1) {
		ids.push(await probe.create());
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	return ids;
}

/** Returns our ids in a page, in its order. The page may contain sessions of other clients. */
const placesOf = (ids: string[], { data }: Page) =>
	data.map(({ id }) => String(id)).filter((id) => ids.includes(id));

/** Listing sessions. The checks hold while other clients write. */
export const listChecks = [
	reading(
		'list.shape',
		'strict: fields.order',
		'the list is { data, pagination: { limit, offset, total } }',
		async (probe) => {
			const { data, pagination } = await list(probe);
			for (const value of Object.values(pagination))
				expectTrue(Number.isInteger(value), 'a value of pagination is not an integer');
			expectTrue(data.length <= 20, 'more sessions than the default limit');
		},
	),

	reading(
		'list.defaults',
		'strict: list.pagination',
		'limit is 20 and offset is 0 by default',
		async (probe) => {
			const { limit, offset } = (await list(probe)).pagination;
			expectEqual([limit, offset], [20, 0], 'limit, offset');
		},
	),

	reading(
		'list.sessions',
		'strict: fields.order',
		'each session in the list has 14 fields, in order',
		async (probe) => {
			for (const session of (await list(probe, '?limit=100')).data)
				expectShape(session, 'session', 'the list');
		},
	),

	reading(
		'list.newest-first',
		'strict: list.order',
		'the list is sorted, newest session first',
		async (probe) => {
			const times = (await list(probe, '?limit=100')).data.map(({ createdAt }) => String(createdAt));
			expectEqual(times, times.toSorted().toReversed(), 'createdAt');
		},
	),

	reading(
		'list.validation',
		'strict: errors.validation',
		'an invalid query parameter gets a 400 that names it',
		async ({ send }) => {
			const bad = ['limit=0', 'limit=-1', 'limit=x', 'limit=1.5', 'offset=-1', 'offset=x'];
			for (const query of bad) {
				const error = expectError(await send('GET', { path: `?${query}` }), 400, 'VALIDATION_ERROR');
				expectEqual(pathsOf(error), [query.split('=')[0]], `?${query}: paths of the details`);
			}
		},
	),

	reading(
		'list.lenient',
		'strict: list.lenient',
		'a limit above 100 counts as 100, and no session has an unknown status',
		async (probe) => {
			for (const limit of ['101', '9'.repeat(30)]) {
				expectEqual(
					(await list(probe, `?limit=${limit}`)).pagination.limit,
					100,
					`limit for ?limit=${limit}`,
				);
			}
			for (const status of ['nonsense', 'INTAKE', '']) {
				const { data, pagination } = await list(probe, `?status=${status}`);
				expectEqual([data, pagination.total], [[], 0], `data and total for ?status=${status}`);
			}
		},
	),

	writing(
		'list.order',
		'strict: list.order',
		'sessions are listed in reverse order of their creation',
		async (probe) => {
			const ids = await createInTurn(probe, 3);
			expectEqual(placesOf(ids, await list(probe, '?limit=100')), ids.toReversed(), 'the order');
		},
	),

	writing(
		'list.same',
		'strict: details.same',
		'the list returns a session as creating returned it',
		async (probe) => {
			const made = probe.remember(await probe.send('POST', { body: { prd: { a: 1 } } })).json as JsonObject;
			const shown = (await list(probe, '?limit=100')).data.find(({ id }) => id === made.id);
			expectEqual(shown, made, 'the session in the list');
		},
	),

	writing(
		'list.pages',
		'strict: list.pagination',
		'limit and offset select consecutive pages',
		async (probe) => {
			const ids = await createInTurn(probe, 4);
			const first = await list(probe, '?limit=2');
			expectEqual([first.data.length, first.pagination.limit], [2, 2], 'sessions, limit');
			const second = await list(probe, '?limit=2&offset=2');
			expectEqual([second.pagination.limit, second.pagination.offset], [2, 2], 'limit, offset');
			const whole = await list(probe, '?limit=100');
			const seen = [...placesOf(ids, first), ...placesOf(ids, second)];
			const places = placesOf(ids, whole);
			// If another client creates a session meanwhile, ours move on by one, and both pages may contain the same
			// session.
			expectEqual([...new Set(seen)], places.slice(0, new Set(seen).size), 'our sessions on two pages');
			expectTrue(seen.length > 0, 'none of our newest sessions is on the first two pages');
		},
	),

	writing(
		'list.offset-past',
		'strict: list.pagination',
		'an offset past the end returns an empty page',
		async (probe) => {
			const { total } = (await list(probe)).pagination;
			const past = await list(probe, `?offset=${total + 1000}`);
			expectEqual([past.data, past.pagination.offset], [[], total + 1000], 'data, offset');
		},
	),

	writing(
		'list.total',
		'strict: list.total',
		'total counts all sessions, not only those of the page',
		async (probe) => {
			await createInTurn(probe, 3);
			const { data, pagination } = await list(probe, '?limit=1');
			expectEqual(data.length, 1, 'sessions on the page');
			expectTrue(pagination.total >= 3, `total is ${pagination.total} with at least 3 sessions`);
		},
	),

	writing('list.status', 'strict: list.total', 'status filters the page and the total', async (probe) => {
		const [one = '', two = ''] = await createInTurn(probe, 2);
		await probe.send('PATCH', { path: `/${one}`, body: { status: 'failed' } });
		const failed = await list(probe, '?status=failed&limit=100');
		expectEqual(placesOf([one, two], failed), [one], 'our failed sessions');
		for (const { status } of failed.data) expectEqual(status, 'failed', 'status');
		const intake = await list(probe, '?status=intake&limit=100');
		expectEqual(placesOf([one, two], intake), [two], 'our sessions in intake');
		const all = await list(probe);
		expectTrue(failed.pagination.total < all.pagination.total, 'total counts other statuses');
	}),

	writing('list.own', 'strict: list.own', 'the list holds only sessions of the caller', async (probe) => {
		const id = await probe.create();
		const { data } = await list(probe, '?limit=100');
		const owner = data.find((each) => each.id === id);
		for (const each of data) {
			expectEqual([each.userId, each.organizationId], [owner?.userId, owner?.organizationId], 'the owner');
		}
	}),
];

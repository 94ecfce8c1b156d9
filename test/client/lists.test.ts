import { describe, expect, it, vi } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch, succeeding } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const PATH = '/v1/products/generation/sessions';
const page = (statuses: string[], link?: string) =>
	json(
		{ data: statuses.map((status) => ({ status })), pagination: { limit: 20 } },
		link === undefined ? {} : { headers: { Link: link } },
	);
const clientOf = (...replies: Reply[]) => {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test/', token: 'rt_test_1', fetch }), sent };
};

describe('list', () => {
	it('returns one page when it is awaited', async () => {
		const { client, sent } = clientOf(page(['intake'], `<${PATH}?after=a>; rel="next"`));
		expect((await client.list({ status: 'intake', limit: 1, offset: 2 })).data).toEqual([
			{ status: 'intake' },
		]);
		expect(sent.map(({ url }) => url.href)).toEqual([
			`https://api.test${PATH}?limit=1&offset=2&status=intake`,
		]);
	});

	it('iterates over all pages by their links, and keeps the limit, the status and the fields', async () => {
		const { client, sent } = clientOf(
			page(['intake', 'intake'], `<https://api.test${PATH}?after=sess_a&limit=2>; rel="next"`),
			page(['intake'], `<${PATH}?limit=2&after=sess_b>; title="more"; rel=next`),
			page(['intake']),
		);
		const seen: { status: string }[] = [];
		for await (const session of client.list({ limit: 2, offset: 4, status: 'intake', fields: ['status'] })) {
			seen.push(session);
		}
		expect(seen).toHaveLength(4);
		expect(sent.map(({ url }) => url.search)).toEqual([
			'?limit=2&offset=4&status=intake&fields=status',
			'?limit=2&after=sess_a&status=intake&fields=status',
			'?limit=2&after=sess_b&status=intake&fields=status',
		]);
	});

	it('ignores the host in a link', async () => {
		const { client, sent } = clientOf(
			page(['intake'], '<https://evil.test/?after=sess_a>; rel="next"'),
			page([]),
		);
		for await (const _ of client.list());
		expect(sent.map(({ url }) => url.host)).toEqual(['api.test', 'api.test']);
	});

	const ids = (from: number, to: number) =>
		Array.from({ length: to - from }, (_, at) => ({ id: `sess_${from + at}`, status: 'intake' }));

	it('iterates over all pages when a proxy removes the links', async () => {
		const { client, sent } = clientOf(
			json({ data: ids(0, 20), pagination: { limit: 20, offset: 0, total: 50 } }),
			json({ data: ids(20, 40), pagination: { limit: 20, hasMore: true } }),
			json({ data: ids(40, 50), pagination: { limit: 20, hasMore: false } }),
		);
		const seen: string[] = [];
		for await (const { id } of client.list()) seen.push(id);
		expect(seen).toHaveLength(50);
		expect(sent.map(({ url }) => url.searchParams.get('after'))).toEqual([null, 'sess_19', 'sess_39']);
	});

	it('throws instead of ending early when neither a link nor an item tells where the next page begins', async () => {
		const { client } = clientOf(
			json({ data: [{ status: 'intake' }], pagination: { limit: 1, offset: 0, total: 2 } }),
		);
		const seen: unknown[] = [];
		await expect(
			(async () => {
				for await (const session of client.list({ limit: 1, fields: ['status'] })) seen.push(session);
			})(),
		).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE', message: expect.stringContaining('Link') });
		expect(seen).toHaveLength(1);
	});

	it('throws when a proxy returns the same page again and again', async () => {
		const same = () => json({ data: ids(0, 1), pagination: { limit: 1, hasMore: true } });
		const { client } = clientOf(same, same, same);
		await expect(
			(async () => {
				for await (const _ of client.list({ limit: 1 }));
			})(),
		).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE' });
	});

	it('may be iterated long after it was made, and throws its failure then', async () => {
		const uncaught = vi.fn();
		process.on('unhandledRejection', uncaught);
		const { client } = clientOf(refusal(403, 'FORBIDDEN'), refusal(403, 'FORBIDDEN'));
		const lists = [client.list(), client.events(ID)];
		await new Promise((resolve) => setTimeout(resolve, 20));
		for (const list of lists) {
			await expect((list as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
				code: 'FORBIDDEN',
			});
		}
		process.off('unhandledRejection', uncaught);
		expect(uncaught).not.toHaveBeenCalled();
	});

	it('requests no further page after the caller leaves the loop', async () => {
		const { client, sent } = clientOf(page(['intake'], `<${PATH}?after=sess_a>; rel="next"`));
		for await (const _ of client.list()) break;
		expect(sent).toHaveLength(1);
	});
});

const eventPage = (ids: string[], hasMore: boolean) =>
	json({ data: ids.map((id) => ({ id, sessionId: ID })), hasMore });

describe('events', () => {
	it('iterates over all pages, each after the last event of the one before', async () => {
		const { client, sent } = clientOf(eventPage(['evt_1', 'evt_2'], true), eventPage(['evt_3'], false));
		const seen: string[] = [];
		for await (const { id } of client.events(ID, { after: 'evt_0', limit: 2 })) seen.push(id);
		expect(seen).toEqual(['evt_1', 'evt_2', 'evt_3']);
		expect(sent.map(({ url }) => url.search)).toEqual(['?after=evt_0&limit=2', '?after=evt_2&limit=2']);
	});
});

describe('a page of events', () => {
	it('that says that there are more and holds none throws, because asking again would begin anew', async () => {
		const { client } = clientOf(eventPage([], true));
		await expect(
			(async () => {
				for await (const _ of client.events(ID));
			})(),
		).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE' });
	});

	it('that does not say whether there are more is not one of the service', async () => {
		const page = () => json({ data: [] });
		const { client } = clientOf(page, page, page);
		await expect(client.events(ID)).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE' });
	});
});

describe('an id', () => {
	it('throws a TypeError and sends nothing when it would change the path', async () => {
		const { client, sent } = clientOf();
		for (const id of ['', '..', 'a/b', 'a?b']) {
			await expect(client.get(id)).rejects.toThrow(TypeError);
			await expect(client.delete(id)).rejects.toThrow(TypeError);
			await expect(client.revokeKey(ID, id)).rejects.toThrow(TypeError);
		}
		expect(sent).toEqual([]);
	});
});

describe('createClient', () => {
	it('throws when the baseUrl is not an http URL', () => {
		for (const baseUrl of ['', 'localhost', 'file:///tmp']) {
			expect(() => createClient({ baseUrl, token: 't' })).toThrow(TypeError);
		}
	});

	it('keeps a path in the baseUrl', async () => {
		const { fetch, sent } = scriptedFetch(succeeding());
		await createClient({ baseUrl: 'https://host.test/api/', token: 't', fetch }).get(ID);
		expect(sent[0]?.url.pathname).toBe(`/api${PATH}/${ID}`);
	});
});

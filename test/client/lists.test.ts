import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { json, type Reply, scriptedFetch } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const PATH = '/v1/products/generation/sessions';
const page = (statuses: string[], link?: string) =>
	json(
		{ data: statuses.map((status) => ({ status })) },
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

	it('requests no further page after the caller leaves the loop', async () => {
		const { client, sent } = clientOf(page(['intake'], `<${PATH}?after=sess_a>; rel="next"`));
		for await (const _ of client.list()) break;
		expect(sent).toHaveLength(1);
	});
});

describe('events', () => {
	it('iterates over all pages, each after the last event of the one before', async () => {
		const { client, sent } = clientOf(
			json({ data: [{ id: 'evt_1' }, { id: 'evt_2' }], hasMore: true }),
			json({ data: [{ id: 'evt_3' }], hasMore: false }),
		);
		const seen: string[] = [];
		for await (const { id } of client.events(ID, { after: 'evt_0', limit: 2 })) seen.push(id);
		expect(seen).toEqual(['evt_1', 'evt_2', 'evt_3']);
		expect(sent.map(({ url }) => url.search)).toEqual(['?after=evt_0&limit=2', '?after=evt_2&limit=2']);
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
		const { fetch, sent } = scriptedFetch(json({}));
		await createClient({ baseUrl: 'https://host.test/api/', token: 't', fetch }).get(ID);
		expect(sent[0]?.url.pathname).toBe(`/api${PATH}/${ID}`);
	});
});

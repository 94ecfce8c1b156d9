import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient, etagOf, sessionFields } from '../../src/client/client.ts';
import { type Reply, refusal, scriptedFetch, succeeding } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const clientOf = (...replies: Reply[]) => {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }), sent };
};
/** A session with an ETag. It has all fields, so that `fields` may select any. */
const session = (etag: string, fields: object = {}) =>
	succeeding({ ...noFields, id: ID, status: 'intake', ...fields }, { ETag: etag });
const noFields = Object.fromEntries(sessionFields.map((field) => [field, null]));
const stale = () => refusal(412, 'PRECONDITION_FAILED');

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('the ETag of a session', () => {
	it('is known for the sessions that get, create, update, merge and step return, and is not a field', async () => {
		const { client } = clientOf(
			session('"1"'),
			session('"2"'),
			session('"3"'),
			session('W/"4"'),
			session('"5"'),
		);
		const returned = [
			await client.get(ID),
			await client.create(),
			await client.update(ID, {}),
			await client.merge(ID, {}),
			(await client.step(ID, { events: [{ type: 'note' }] })).session,
		];
		expect(returned.map(etagOf)).toEqual(['"1"', '"2"', '"3"', 'W/"4"', '"5"']);
		for (const each of returned) expect(Reflect.ownKeys(each)).not.toContain('etag');
	});

	it('is sent by ifMatch, given as a session or as a strong or weak tag', async () => {
		const { client, sent } = clientOf(session('W/"7"'), session('"8"'), session('"9"'), succeeding());
		const read = await client.get(ID);
		await client.update(ID, {}, { ifMatch: read });
		const merged = await client.merge(ID, {}, { ifMatch: 'W/"8"' });
		await client.delete(ID, { ifMatch: merged });
		expect(sent.map(({ headers }) => headers.get('If-Match'))).toEqual([null, 'W/"7"', 'W/"8"', '"9"']);
	});

	it('is known for the states that follow yields', async () => {
		const data = JSON.stringify({ etag: '"7"', id: ID, status: 'intake' });
		const headers = { 'Content-Type': 'text/event-stream' };
		const { client } = clientOf(new Response(`event: session\ndata: ${data}\n\n`, { headers }));
		const { value } = await client.follow(ID).next();
		expect(value?.type === 'session' && etagOf(value.session)).toBe('"7"');
	});

	it('is unknown for a copy, an item of a list and anything else, which throws a TypeError', async () => {
		const { client } = clientOf(session('"1"'));
		const read = await client.get(ID);
		for (const each of [{ ...read }, structuredClone(read), { id: ID }, undefined, null]) {
			expect(() => etagOf(each as object)).toThrow(TypeError);
		}
	});
});

describe('ifMatch', () => {
	const unusable = [null, '', '  ', 0, false, '7', '"7', '"7", 8', 'W/7', '"ü"', '"7"\n', { id: ID }, []];
	const writes = {
		update: (client: Client, ifMatch: object) => client.update(ID, {}, { ifMatch }),
		merge: (client: Client, ifMatch: object) => client.merge(ID, {}, { ifMatch }),
		step: (client: Client, ifMatch: object) => client.step(ID, { events: [{ type: 'note' }] }, { ifMatch }),
		delete: (client: Client, ifMatch: object) => client.delete(ID, { ifMatch }),
		request: (client: Client, ifMatch: object) => client.request('PATCH', '/v1/x', { ifMatch, body: {} }),
	};

	for (const [name, write] of Object.entries(writes)) {
		it(`of ${name} throws a TypeError and sends nothing when it is given and is no condition`, async () => {
			const { client, sent } = clientOf();
			for (const each of unusable) {
				await expect(write(client, each as object), JSON.stringify(each)).rejects.toThrow(TypeError);
			}
			expect(sent).toEqual([]);
		});
	}

	it('may be missing or undefined, which means no condition, or hold several tags or any', async () => {
		const { client, sent } = clientOf(succeeding(), succeeding(), succeeding(), succeeding());
		await client.update(ID, {});
		for (const ifMatch of [undefined, '"7", W/"8"', '*']) await client.update(ID, {}, { ifMatch });
		expect(sent.map(({ headers }) => headers.get('If-Match'))).toEqual([null, null, '"7", W/"8"', '*']);
	});

	it('does not make a write safe to retry when it is *, which every version matches', async () => {
		const { client, sent } = clientOf('cut');
		await expect(client.update(ID, {}, { ifMatch: '*' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
		expect(sent).toHaveLength(1);
	});
});

describe('editWhile', () => {
	it('reads, decides and merges if nobody has written meanwhile, and starts over after a 412', async () => {
		const { client, sent } = clientOf(
			session('"1"', { status: 'intake' }),
			stale(),
			session('"2"', { status: 'generating' }),
			session('"3"', { status: 'generating' }),
		);
		const seen: string[] = [];
		const edited = await client.editWhile(ID, ({ status }) => {
			seen.push(status);
			return { patch: { plan: { sawStatus: status } } };
		});
		expect(seen).toEqual(['intake', 'generating']);
		expect(edited.status).toBe('generating');
		expect(sent.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'GET', 'PATCH']);
		expect(sent[3]?.headers.get('If-Match')).toBe('"2"');
		expect(sent[3]?.headers.get('Content-Type')).toBe('application/merge-patch+json');
		expect(sent[3]?.body).toEqual({ plan: { sawStatus: 'generating' } });
		expect(sent[0]?.url.searchParams.get('fields')).not.toContain('events');
	});

	it('writes nothing when the decision is undefined', async () => {
		const { client, sent } = clientOf(session('"1"', { status: 'failed' }));
		expect((await client.editWhile(ID, async () => undefined)).status).toBe('failed');
		expect(sent).toHaveLength(1);
	});

	it('writes a change with events as one step', async () => {
		const { client, sent } = clientOf(session('"1"'), 'cut', session('"2"', { status: 'failed' }));
		const events = [{ type: 'build.failed' }];
		const edited = await client.editWhile(ID, () => ({ patch: { status: 'failed' }, events }));
		expect(edited.status).toBe('failed');
		expect(sent[1]?.url.pathname).toBe(`/v1/products/generation/sessions/${ID}/steps`);
		expect(sent[1]?.body).toEqual({ events, patch: { status: 'failed' } });
		expect(sent[2]?.headers.get('If-Match')).toBe('"1"');
		expect(sent[2]?.headers.get('Idempotency-Key')).toBe(sent[1]?.headers.get('Idempotency-Key'));
	});

	it('throws PRECONDITION_FAILED after maxAttempts', async () => {
		const { client, sent } = clientOf(session('"1"'), stale(), session('"2"'), stale());
		const call = client.editWhile(ID, () => ({ patch: {} }), { maxAttempts: 2 });
		await expect(call).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
		expect(sent).toHaveLength(4);
	});

	it('throws OUTCOME_UNKNOWN and does not decide again when it cannot tell whether its write took effect', async () => {
		const { client, sent } = clientOf(session('"1"'), 'cut', stale());
		const call = client.editWhile(ID, () => ({ patch: { plan: {} } }));
		await expect(call).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
		expect(sent).toHaveLength(3);
	});

	it('rethrows the error that the decision throws', async () => {
		const { client } = clientOf(session('"1"'));
		const reason = new Error('undecided');
		await expect(client.editWhile(ID, () => Promise.reject(reason))).rejects.toBe(reason);
	});

	it('throws when the response has no ETag', async () => {
		const { client } = clientOf(succeeding(noFields));
		await expect(client.editWhile(ID, () => ({ patch: {} }))).rejects.toMatchObject({
			code: 'UNEXPECTED_RESPONSE',
		});
	});
});

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, etagOf } from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const clientOf = (...replies: Reply[]) => {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }), sent };
};
const session = (etag: string, fields: object = {}) =>
	json({ id: ID, ...fields }, { headers: { ETag: etag } });
const stale = () => refusal(412, 'PRECONDITION_FAILED');

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('the ETag of a session', () => {
	it('is known for the sessions that get, create, update, merge and step return, and is not a field', async () => {
		const step = json({ events: [], session: { id: ID } }, { headers: { ETag: '"5"' } });
		const { client } = clientOf(session('"1"'), session('"2"'), session('"3"'), session('W/"4"'), step);
		const returned = [
			await client.get(ID),
			await client.create(),
			await client.update(ID, {}),
			await client.merge(ID, {}),
			(await client.step(ID, { events: [{ type: 'note' }] })).session,
		];
		expect(returned.map(etagOf)).toEqual(['"1"', '"2"', '"3"', 'W/"4"', '"5"']);
		for (const each of returned) expect(Reflect.ownKeys(each)).toEqual(['id']);
		expect(etagOf({ ...returned[0] })).toBeUndefined();
	});

	it('is sent by ifMatch, given as a session or as a strong or weak tag', async () => {
		const { client, sent } = clientOf(
			session('W/"7"'),
			session('"8"'),
			session('"9"'),
			json({ success: true }),
		);
		const read = await client.get(ID);
		await client.update(ID, {}, { ifMatch: read });
		const merged = await client.merge(ID, {}, { ifMatch: 'W/"8"' });
		await client.delete(ID, { ifMatch: merged });
		expect(sent.map(({ headers }) => headers.get('If-Match'))).toEqual([null, 'W/"7"', 'W/"8"', '"9"']);
	});

	it('is required by ifMatch, which otherwise throws and sends nothing', async () => {
		const { client, sent } = clientOf();
		await expect(client.update(ID, {}, { ifMatch: { id: ID } })).rejects.toThrow(TypeError);
		expect(sent).toEqual([]);
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
		const step = json({ events: [], session: { id: ID, status: 'failed' } }, { headers: { ETag: '"2"' } });
		const { client, sent } = clientOf(session('"1"'), 'cut', step);
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
		const { client } = clientOf(json({ id: ID }));
		await expect(client.editWhile(ID, () => ({ patch: {} }))).rejects.toMatchObject({
			code: 'UNEXPECTED_RESPONSE',
		});
	});
});

import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, type CallOptions, newCaller, SESSIONS } from '../support/api.ts';
import { expire } from '../support/database.ts';
import { type FaultyD1, faultyD1, serviceWith } from '../support/faulty-d1.ts';

const NEVER_EXISTED = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const step = { events: [{ type: 'x' }], patch: { plan: { a: 1 } } };
const merge = { 'Content-Type': 'application/merge-patch+json' };

/** Every call on one session, once for each path through the code. */
const calls: [what: string, method: string, path: string, options: CallOptions][] = [
	['details', 'GET', '', {}],
	['details by HEAD', 'HEAD', '', {}],
	['details with If-None-Match', 'GET', '', { headers: { 'If-None-Match': '*' } }],
	['update', 'PATCH', '', { body: { status: 'failed' } }],
	['update of nothing', 'PATCH', '', { body: {} }],
	['update of the product object', 'PATCH', '', { body: { productObject: { a: 1 } } }],
	['update with the current If-Match', 'PATCH', '', { body: { plan: {} }, headers: { 'If-Match': '"1"' } }],
	['update with If-Match: *', 'PATCH', '', { body: { plan: {} }, headers: { 'If-Match': '*' } }],
	['update with a stale If-Match', 'PATCH', '', { body: { plan: {} }, headers: { 'If-Match': '"9"' } }],
	['update of nothing with a stale If-Match', 'PATCH', '', { body: {}, headers: { 'If-Match': '"9"' } }],
	['merge', 'PATCH', '', { body: { plan: { a: null } }, headers: merge }],
	['merge of the product object', 'PATCH', '', { body: { productObject: { a: 1 } }, headers: merge }],
	[
		'merge with a stale If-Match',
		'PATCH',
		'',
		{ body: { plan: {} }, headers: { ...merge, 'If-Match': '"9"' } },
	],
	['delete', 'DELETE', '', {}],
	['delete with the current If-Match', 'DELETE', '', { headers: { 'If-Match': '"1"' } }],
	['delete with a stale If-Match', 'DELETE', '', { headers: { 'If-Match': '"9"' } }],
	['list of events', 'GET', '/events', {}],
	['list of events after one', 'GET', '/events?after=AN_EVENT', {}],
	['append', 'POST', '/events', { body: { type: 'note' } }],
	[
		'append with a new key',
		'POST',
		'/events',
		{ body: { type: 'x' }, headers: { 'Idempotency-Key': 'new' } },
	],
	[
		'append with a used key',
		'POST',
		'/events',
		{ body: { type: 'x' }, headers: { 'Idempotency-Key': 'used' } },
	],
	['step', 'POST', '/steps', { body: step }],
	['step with a product object', 'POST', '/steps', { body: { ...step, patch: { productObject: { a: 1 } } } }],
	['step with a stale If-Match', 'POST', '/steps', { body: step, headers: { 'If-Match': '"9"' } }],
	['step with a used key', 'POST', '/steps', { body: step, headers: { 'Idempotency-Key': 'used' } }],
	['an unsupported method', 'PUT', '', { body: {} }],
];

/** The parts of a response that a caller sees, without those that differ between any two responses. */
const visible = ({ status, text, headers, json }: Answer<Record<string, unknown>>, id: string) => ({
	status,
	text: text.replace(String(json?.requestId), 'REQUEST').replaceAll(id, 'ID'),
	headers: [...headers]
		.filter(([name]) => !/^(date|x-request-id)$/.test(name))
		.map(([name, value]) => [name, name === 'x-d1-bookmark' ? 'BOOKMARK' : value])
		.sort(),
});

let faulty: FaultyD1;
let owner: Caller;

/** A caller whose key is cached, so that none of its calls costs a look-up. */
async function warmCaller(request: { userId?: string; organizationId?: string }): Promise<Caller> {
	const caller = await newCaller({ ...request, fetcher: serviceWith({ DB: faulty.d1 }) });
	await caller.call('GET', SESSIONS);
	return caller;
}
beforeAll(async () => {
	faulty = faultyD1();
	owner = await warmCaller({ organizationId: 'org_1' });
});

const strangers: [name: string, who: () => { userId?: string; organizationId?: string }][] = [
	['another user', () => ({})],
	['another user of the organization', () => ({ organizationId: 'org_1' })],
	['the same user in no organization', () => ({ userId: owner.userId })],
	['the same user in another organization', () => ({ userId: owner.userId, organizationId: 'org_2' })],
	['a user with the organization’s name', () => ({ userId: 'org_1', organizationId: owner.userId })],
];

describe.each(strangers)('to %s', (_name, who) => {
	let stranger: Caller;
	beforeAll(async () => {
		stranger = await warmCaller(who());
	});

	it.each(calls)(
		'a session of another owner looks like one that never existed: %s',
		async (_, method, path, options) => {
			const { id } = await owner.create({ prd: { secret: 1 } });
			const used = { body: { type: 'note' }, headers: { 'Idempotency-Key': 'used' } };
			const { json: event } = await owner.call('POST', `${SESSIONS}/${id}/events`, used);
			const before = await owner.details(id);

			const ask = async (at: string) => {
				const from = faulty.trips;
				const answer = await stranger.call(
					method,
					`${SESSIONS}/${at}${path.replace('AN_EVENT', String(event.id))}`,
					options,
				);
				return { ...visible(answer, at), trips: faulty.trips - from };
			};
			const answer = await ask(id);
			expect(answer).toEqual(await ask(NEVER_EXISTED));
			if (method !== 'PUT') expect(answer.status).toBe(404);
			if (method !== 'PUT' && method !== 'HEAD') expect(answer.text).toContain('"code":"SESSION_NOT_FOUND"');
			expect(await owner.details(id)).toEqual(before);
		},
	);

	it('lists and Idempotency-Keys do not reveal sessions of other owners', async () => {
		const create = (caller: Caller, body: unknown) =>
			caller.call('POST', SESSIONS, { body, headers: { 'Idempotency-Key': 'same' } });
		const mine = await create(owner, { prd: { secret: 1 } });
		const theirs = await create(stranger, { prd: { other: 2 } });
		expect([theirs.status, theirs.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		expect(theirs.json).toMatchObject({
			prd: { other: 2 },
			userId: stranger.userId,
			organizationId: stranger.organizationId,
		});
		const list = await stranger.call<{ data: { id: string }[]; pagination: { total: number } }>(
			'GET',
			SESSIONS,
		);
		expect(list.json.data.map(({ id }) => id)).not.toContain(mine.json.id);
		expect(list.json.pagination.total).toBe(list.json.data.length);
	});
});

describe('to its owner', () => {
	it.each(calls.filter(([, method]) => method !== 'PUT'))(
		'a deleted or expired session looks like one that never existed: %s',
		async (_, method, path, options) => {
			const deleted = await owner.create();
			await owner.call('DELETE', `${SESSIONS}/${deleted.id}`);
			const expired = await owner.create();
			await expire(expired.id);
			const at = path.replace('AN_EVENT', 'evt_0000000001aaaaaaaaaaaaaaaaaaaa');
			const ask = async (id: string) =>
				visible(await owner.call(method, `${SESSIONS}/${id}${at}`, options), id);
			const never = await ask(NEVER_EXISTED);
			expect(never.status).toBe(404);
			expect(await ask(deleted.id)).toEqual(never);
			expect(await ask(expired.id)).toEqual(never);
		},
	);
});

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { detailsFields, sessionFields } from '../../src/sessions/fields.ts';
import type { SessionDetails, SessionList } from '../../src/sessions/schema.ts';
import { newCaller, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const refused = (path: string) => [400, { code: 'VALIDATION_ERROR', details: [{ path }] }];

describe('fields of a list', () => {
	it('are the requested ones, once and in the documented order', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		const { text } = await caller.call('GET', `${SESSIONS}?fields=status,prd,id,prd`);
		expect(text).toBe(
			`{"data":[{"id":"${id}","prd":{"a":1},"status":"intake"}],"pagination":{"limit":20,"offset":0,"total":1}}`,
		);
	});

	it('can be a list, repeated parameters, or both', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.create();
		const all = await caller.call('GET', `${SESSIONS}?limit=1&fields=id,plan,status`);
		for (const fields of [
			'fields=id&fields=plan&fields=status',
			'fields=status,id&fields=plan',
			'fields=plan&fields=id,status&fields=id',
		]) {
			const page = await caller.call('GET', `${SESSIONS}?limit=1&${fields}`);
			expect(page.text).toBe(all.text);
			const next = /<(.+)>/.exec(page.headers.get('Link') ?? '')?.[1] ?? '';
			const { json } = await caller.call<SessionList>('GET', new URL(next).pathname + new URL(next).search);
			expect(json.data).toEqual([{ id, plan: null, status: 'intake' }]);
			const details = await caller.call('GET', `${SESSIONS}/${id}?${fields}`);
			expect(details.json).toEqual({ id, plan: null, status: 'intake' });
		}
	});

	it('can be each of the 14 alone, and all of them are the whole session', async () => {
		const caller = await newCaller();
		const session = await caller.create({ prd: { a: 1 }, catalogVersion: '1' });
		for (const field of sessionFields) {
			const { json } = await caller.call<SessionList>('GET', `${SESSIONS}?fields=${field}`);
			expect(json.data).toEqual([{ [field]: session[field] }]);
		}
		const all = await caller.call('GET', `${SESSIONS}?fields=${sessionFields.join(',')}`);
		expect(all.text).toBe((await caller.call('GET', SESSIONS)).text);
	});

	it.each([
		'fields=',
		'fields=nonsense',
		'fields=id,',
		'fields=id,%20plan',
		'fields=events',
		'fields=__proto__',
		'fields=id&fields=',
		'fields=id&fields=nonsense',
		`fields=id&${Array(14).fill('fields=id').join('&')}`,
		`fields=${Array(15).fill('id').join(',')}`,
	])('return 400 for ?%s', async (query) => {
		const { status, json } = await (await newCaller()).call('GET', `${SESSIONS}?${query}`);
		expect([status, json]).toMatchObject(refused('fields'));
	});
});

describe('fields of details', () => {
	it('can be any of them, including events', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const whole = await caller.details(id);
		for (const field of detailsFields) {
			const { json } = await caller.call<SessionDetails>('GET', `${SESSIONS}/${id}?fields=${field}`);
			expect(json).toEqual({ [field]: whole[field] });
		}
		const all = await caller.call('GET', `${SESSIONS}/${id}?fields=${detailsFields.join(',')}`);
		expect(JSON.parse(all.text)).toEqual(whole);
	});

	it.each(['', 'nonsense', 'Events'])('return 400 for %j', async (fields) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await caller.call('GET', `${SESSIONS}/${id}?fields=${fields}`);
		expect([status, json]).toMatchObject(refused('fields'));
	});

	it('change the ETag with each event only if they include events, and both ETags are valid for a write', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}`;
		const tagOf = async (fields: string) =>
			(await caller.call('GET', `${path}?fields=${fields}`)).headers.get('ETag') ?? '';
		expect([await tagOf('status'), await tagOf('status,events')]).toEqual(['"1"', '"1"']);
		await caller.append(id);
		expect([await tagOf('status'), await tagOf('status,events')]).toEqual(['"1"', '"1.1"']);
		const unchanged = await caller.call('GET', `${path}?fields=status`, {
			headers: { 'If-None-Match': '"1"' },
		});
		expect([unchanged.status, unchanged.headers.get('ETag')]).toEqual([304, '"1"']);
		for (const fields of ['status', 'events']) {
			const headers = { 'If-Match': await tagOf(fields) };
			expect((await caller.call('PATCH', path, { body: { plan: {} }, headers })).status).toBe(200);
		}
		expect(await tagOf('status')).toBe('"3"');
	});
});

describe('the result of a D1 query', () => {
	const large = { text: 'x'.repeat(100_000) };

	it('contains only the requested objects', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create({ prd: large });
		await caller.append(id, { type: 'note', payload: { text: 'x'.repeat(60_000) } });
		for (const path of [`?fields=id,plan`, `/${id}?fields=status,plan`]) {
			meter.reset();
			expect((await caller.call('GET', SESSIONS + path)).status).toBe(200);
			expect([meter.trips, meter.charactersAnswered < 1000]).toEqual([1, true]);
		}
		meter.reset();
		await caller.call('GET', `${SESSIONS}?fields=prd`);
		expect(meter.charactersAnswered).toBeGreaterThan(100_000);
	});

	it('contains no content when the caller has the current version', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create({ prd: large });
		for (let n = 0; n < 20; n += 1) await caller.append(id);
		const path = `${SESSIONS}/${id}`;
		for (const tag of ['"1.20"', 'W/"1.20"', '*', '"1", "x,1.20,", "1.20"']) {
			meter.reset();
			const { status, headers } = await caller.call('GET', path, { headers: { 'If-None-Match': tag } });
			expect([status, headers.get('ETag'), meter.trips]).toEqual([304, '"1.20"', 1]);
			expect(meter.charactersAnswered).toBeLessThan(1000);
			expect(meter.rowsRead).toBeLessThan(10);
		}
		for (const tag of ['"1"', '"1.2"', '"11.20"', '"x,1.20,"', '""']) {
			expect((await caller.call('GET', path, { headers: { 'If-None-Match': tag } })).status).toBe(200);
		}
	});
});

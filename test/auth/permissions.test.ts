import { describe, expect, it } from 'vitest';
import type { NeededPermission, Permission } from '../../src/core/principal.ts';
import { type CallOptions, callerWith, newCaller, newKey, SESSIONS } from '../support/api.ts';
import { sessionsOf } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

const ABSENT = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const merge = { 'Content-Type': 'application/merge-patch+json' };

/** Every call, the permission that it needs, and its status when the caller has the permission. */
const calls: [string, NeededPermission, method: string, path: string, options: CallOptions, done: number][] =
	[
		['list', 'PRODUCTS:READ', 'GET', '', {}, 200],
		['create', 'PRODUCTS:WRITE', 'POST', '', { body: {} }, 201],
		['details', 'PRODUCTS:READ', 'GET', '/:id', {}, 200],
		['details by HEAD', 'PRODUCTS:READ', 'HEAD', '/:id', {}, 200],
		['update', 'PRODUCTS:WRITE', 'PATCH', '/:id', { body: { plan: {} } }, 200],
		['merge', 'PRODUCTS:WRITE', 'PATCH', '/:id', { body: { plan: {} }, headers: merge }, 200],
		['append', 'PRODUCTS:WRITE', 'POST', '/:id/events', { body: { type: 'note' } }, 201],
		['step', 'PRODUCTS:WRITE', 'POST', '/:id/steps', { body: { events: [{ type: 'note' }] } }, 201],
		['list of events', 'PRODUCTS:READ', 'GET', '/:id/events', {}, 200],
		['delete', 'PRODUCTS:DELETE', 'DELETE', '/:id', {}, 200],
	];
const grants: [string, Permission[]][] = [
	['PRODUCTS:READ', ['PRODUCTS:READ']],
	['PRODUCTS:WRITE', ['PRODUCTS:WRITE']],
	['PRODUCTS:DELETE', ['PRODUCTS:DELETE']],
	['PRODUCTS:READ and PRODUCTS:DELETE', ['PRODUCTS:READ', 'PRODUCTS:DELETE']],
	['PRODUCTS:*', ['PRODUCTS:*']],
	['WEBHOOKS:*', ['WEBHOOKS:*']],
	['*', ['*']],
];
const covers = (granted: Permission[], needed: NeededPermission) =>
	granted.some((each) => each === '*' || each === 'PRODUCTS:*' || each === needed);

describe.each(grants)('a key with %s', (_, permissions) => {
	it.each(calls)('allows %s only if it includes %s', async (_call, needed, method, path, options, done) => {
		const owner = await newCaller();
		const { id } = await owner.create();
		const { key } = await newKey({ userId: owner.userId, permissions });
		const caller = callerWith(key, owner);
		const { status, json } = await caller.call(method, SESSIONS + path.replace(':id', id), options);
		if (covers(permissions, needed)) return expect(status).toBe(done);
		expect(status).toBe(403);
		if (method !== 'HEAD') {
			expect(json).toEqual({
				error: `This call needs the permission ${needed}.`,
				code: 'FORBIDDEN',
				requestId: expect.any(String),
			});
		}
		expect(await sessionsOf(owner.userId)).toBe(1);
		expect(await owner.details(id)).toMatchObject({ plan: null, events: [] });
	});
});

describe('a missing permission', () => {
	it.each(calls)(
		'is reported before the rest of the request is checked: %s',
		async (_call, needed, method, path, options) => {
			const faulty = faultyD1();
			const permissions = (['PRODUCTS:READ', 'PRODUCTS:WRITE', 'PRODUCTS:DELETE'] as const).filter(
				(each) => each !== needed,
			);
			const caller = await newCaller({ permissions, fetcher: serviceWith({ DB: faulty.d1 }) });
			await caller.call('PUT', SESSIONS); // The key is cached from here on.
			faulty.trips = 0;
			const odd = { raw: '{"type":', headers: { 'Content-Type': 'text/plain' } };
			for (const id of [ABSENT, 'nonsense']) {
				const at = `${SESSIONS}${path.replace(':id', id)}?limit=-1&after=x`;
				for (const each of options.body ? [options, odd] : [options]) {
					expect((await caller.call(method, at, each)).status).toBe(403);
				}
			}
			expect(faulty.trips).toBe(0);
		},
	);
});

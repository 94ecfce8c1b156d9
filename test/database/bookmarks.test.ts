import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { type FaultyD1, faultyD1, serviceWith } from '../support/faulty-d1.ts';

const BOOKMARK = '0000000a-00000000-00000b1c-0123456789abcdef0123456789abcdef';
const WITH_BOOKMARK = { 'X-D1-Bookmark': BOOKMARK };

let faulty: FaultyD1;
let caller: Caller;
let id: string;
beforeEach(async () => {
	faulty = faultyD1();
	caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
	({ id } = await caller.create());
	await caller.call('GET', SESSIONS); // This caches the key: from now on each request is one round trip.
	faulty.trips = 0;
	faulty.sessions = [];
});
afterEach(() => vi.restoreAllMocks());

const details = (headers: Record<string, string> = WITH_BOOKMARK) =>
	caller.call('GET', `${SESSIONS}/${id}`, { headers });
/** The argument of `withSession` for each round trip. */
const openedWith = () => faulty.sessions.map(({ from }) => from);
const fails = (message: string) => ({ message: `D1_ERROR: ${message}`, when: 'before' as const });

describe('the bookmark that a caller sends', () => {
	it.each([
		['details', () => `/${id}`],
		['the events', () => `/${id}/events`],
		['the list', () => ''],
	])('opens the D1 session of a read of %s', async (_, path) => {
		expect((await caller.call('GET', SESSIONS + path(), { headers: WITH_BOOKMARK })).status).toBe(200);
		expect(openedWith()).toEqual([BOOKMARK]);
	});

	it.each(['first-unconstrained', 'nonsense', BOOKMARK.toUpperCase(), `${BOOKMARK}0`])(
		'is ignored when its form is invalid: %s',
		async (sent) => {
			expect((await details({ 'X-D1-Bookmark': sent })).status).toBe(200);
			expect(openedWith()).toEqual(['first-primary']);
		},
	);

	it('is optional: a read without one goes to the primary', async () => {
		expect((await details({})).status).toBe(200);
		expect(openedWith()).toEqual(['first-primary']);
	});

	it.each([
		['a create', 'POST', () => '', {}],
		['an update', 'PATCH', () => `/${id}`, { plan: {} }],
		['an append', 'POST', () => `/${id}/events`, { type: 'note' }],
		['a delete', 'DELETE', () => `/${id}`, undefined],
	])('is ignored by %s, which goes to the primary', async (_, method, path, body) => {
		const { status } = await caller.call(method, SESSIONS + path(), { headers: WITH_BOOKMARK, body });
		expect(status).toBeLessThan(300);
		expect(openedWith()).toEqual(['first-primary']);
	});
});

describe('a read that fails at the bookmark of its caller', () => {
	it.each([
		'Invalid bookmark.',
		`The bookmark ${BOOKMARK} is ahead of the database.`,
		'Network connection lost.',
		'Replica disconnected from primary.',
		'Timed out while waiting for the replica to catch up.',
	])('is retried once at the primary when D1 reports %j', async (message) => {
		faulty.next = [fails(message)];
		const { status, json } = await details();
		expect([status, json.id, openedWith()]).toEqual([200, id, [BOOKMARK, 'first-primary']]);
	});

	it('is logged as a warning without the bookmark', async () => {
		const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
		faulty.next = [fails(`The bookmark ${BOOKMARK} is ahead of the database.`)];
		await details();
		const lines = warn.mock.calls.map(([line]) => String(line));
		expect(lines).toEqual([expect.stringContaining('is ahead of the database')]);
		expect(lines.join()).not.toContain(BOOKMARK);
	});

	it('is not logged as a warning when it fails at the primary as well', async () => {
		const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
		faulty.next = [fails('no such column: x'), fails('no such column: x')];
		const { status, json } = await details();
		expect([status, json.code, faulty.trips]).toEqual([503, 'DATABASE_UNAVAILABLE', 2]);
		expect(warn).not.toHaveBeenCalled();
	});

	it('returns 503 when D1 is unreachable at the primary as well', async () => {
		faulty.next = [fails('Invalid bookmark.'), fails('Network connection lost.')];
		const { status, json } = await details();
		expect([status, json.code, faulty.trips]).toEqual([503, 'DATABASE_UNAVAILABLE', 2]);
	});

	it('is not retried when D1 is overloaded', async () => {
		faulty.next = [fails('D1 DB is overloaded. Too many requests queued.')];
		const { status, json } = await details();
		expect([status, json.code, faulty.trips]).toEqual([503, 'DATABASE_UNAVAILABLE', 1]);
	});

	it('is not retried in this way when the caller sent no bookmark', async () => {
		faulty.next = [fails('no such column: x')];
		const { status, json } = await details({});
		expect([status, json.code, faulty.trips]).toEqual([503, 'DATABASE_UNAVAILABLE', 1]);
	});
});

describe('a retry after a fault', () => {
	it.each([
		['a read', () => details({})],
		['a create', () => caller.call('POST', SESSIONS)],
	])('uses a new D1 session at the primary: %s', async (_, request) => {
		faulty.next = [fails('Network connection lost.')];
		expect((await request()).status).toBeLessThan(300);
		const [first, second] = faulty.sessions;
		expect(openedWith()).toEqual(['first-primary', 'first-primary']);
		expect(second?.number).not.toBe(first?.number);
	});
});

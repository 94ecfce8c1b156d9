import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { pause } from '../../src/core/pause.ts';
import { WORK_AT_ONCE_MS } from '../../src/core/turns.ts';
import { sizeOfRows, sizeOfValues, workOf } from '../../src/database/work.ts';
import { type Caller, type Fetcher, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { followSession, liveService } from '../support/follow.ts';
import type { Stream } from '../support/stream.ts';
import { type SentStatement, wrappedD1 } from '../support/wrapped-d1.ts';

/** A trip to D1. Its work is known when it has ended. */
interface Trip {
	work: number;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** The largest of the values but the highest hundredth. */
const p99 = (values: readonly number[]): number =>
	values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? 0;

/** A result with a duration from its rows. The measured one contains what else the machine does. */
const withSteadyDuration = (result: D1Result): D1Result => {
	const { rows_read, rows_written } = result.meta;
	return { ...result, meta: { ...result.meta, duration: 0.2 + 0.01 * rows_read + 0.02 * rows_written } };
};

/**
 * Two services on one D1, which runs one query at a time and takes as long for each as its work is: here it shares its
 * thread with the services, and would otherwise be idle while they are busy.
 */
function sharedDatabase() {
	let queue: Promise<unknown> = Promise.resolve();
	const noisyTrips = new Set<Trip>();
	/** For each trip of the neighbour the trips of the other caller that came before it and had not ended. */
	const ahead: Trip[][] = [];
	const inTurn = (statements: SentStatement[], run: () => Promise<D1Result[]>, trip: Trip) => {
		const done = queue.then(async () => {
			const results = (await run()).map(withSteadyDuration);
			const bytes = sizeOfValues(statements) + sum(results.map(({ results: rows }) => sizeOfRows(rows)));
			trip.work = workOf({ milliseconds: sum(results.map(({ meta }) => meta.duration)), bytes });
			await pause(trip.work);
			return results;
		});
		queue = done.catch(() => {});
		return done;
	};
	const noisy = wrappedD1(env.DB, (statements, run) => {
		const trip = { work: 0 };
		noisyTrips.add(trip);
		return inTurn(statements, run, trip).finally(() => noisyTrips.delete(trip));
	});
	const neighbour = wrappedD1(env.DB, (statements, run) => {
		ahead.push([...noisyTrips]);
		return inTurn(statements, run, { work: 0 });
	});
	return { noisy, neighbour, ahead };
}

/** Requests of the attacker at once, and calls of its neighbour. */
const ATTACKERS = 24;
const CALLS = 120;

const text = (bytes: number) => ({ text: 'x'.repeat(bytes) });
const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, n]));

// The bodies are made once: the attack must cost the service more than the test.
const largeStep = JSON.stringify({
	events: Array.from({ length: 30 }, () => ({ type: 'note', payload: text(65_000) })),
});
const smallMerge = JSON.stringify({ plan: members(20) });
const wideMerge = JSON.stringify({ productObject: members(5000) });
const deep = `{"plan":${'{"a":'.repeat(99)}1${'}'.repeat(100)}`;
const full = JSON.stringify({ prd: text(390_000) });

/** Sends a request, and reads the response without looking at it. */
type Send = (method: string, path: string, body?: string, type?: string) => Promise<{ status: number }>;

const sendTo =
	(fetcher: Fetcher, key: string): Send =>
	async (method, path, body, type = 'application/json') => {
		const headers = {
			Authorization: `Bearer ${key}`,
			...(body === undefined ? {} : { 'Content-Type': type }),
		};
		const response = await fetcher(
			new Request(ORIGIN + SESSIONS + path, { method, headers, ...(body === undefined ? {} : { body }) }),
		);
		const { status } = response;
		// The attacker's own trips may wait for too long, which breaks a response off.
		await response.body?.pipeTo(new WritableStream()).catch(() => {});
		return { status };
	};

type Attack = (send: Send, id: string) => Promise<{ status: number }>;
const attacks: Record<string, Attack> = {
	'a list of full sessions': (send) => send('GET', '?limit=100'),
	'a merge that D1 makes': (send, id) => send('PATCH', `/${id}`, smallMerge, 'application/merge-patch+json'),
	'a merge that the Worker makes': (send, id) =>
		send('PATCH', `/${id}`, wideMerge, 'application/merge-patch+json'),
	'a large step for its followers': (send, id) => send('POST', `/${id}/steps`, largeStep),
	'a deep body': (send, id) => send('PATCH', `/${id}`, deep),
	'a create with a full object': (send) => send('POST', '', full),
	'the deletion of a full session': (send, id) => send('DELETE', `/${id}`),
	'details with many events': (send, id) => send('GET', `/${id}`),
	'a key for one session': (send, id) => send('POST', `/${id}/keys`),
};

/** Fills sessions of the caller, and follows one of them forty times. */
async function prepare(caller: Caller, fetcher: Fetcher): Promise<{ ids: string[]; streams: Stream[] }> {
	const ids: string[] = [];
	for (let n = 0; n < 10; n += 1) {
		const { id } = await caller.create({ prd: text(390_000) });
		const body = { plan: text(390_000), productObject: text(390_000), assemblyState: text(390_000) };
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body });
		ids.push(id);
	}
	const streams: Stream[] = [];
	for (let n = 0; n < 40; n += 1) {
		const stream = await followSession(caller, ids[0] ?? '', { fetcher });
		stream.rest().catch(() => {});
		streams.push(stream);
	}
	return { ids, streams };
}

// It counts what D1 did before it came to the neighbour. The time that a caller sees depends on the machine, which the test
// shares with the service.
it('a caller that does the worst within its limits keeps little work before each trip of its neighbour', async () => {
	const { noisy, neighbour, ahead } = sharedDatabase();
	const fetcher = liveService({ DB: noisy });
	const attacker = await newCaller({ fetcher });
	const { ids, streams } = await prepare(attacker, fetcher);
	const other = await newCaller({ fetcher: liveService({ DB: neighbour }) });
	const { id } = await other.create();
	ahead.length = 0;

	const send = sendTo(fetcher, attacker.key);
	const made = new Map<string, number>();
	const failed: number[] = [];
	let isOver = false;
	const attack = async (worker: number) => {
		const all = Object.entries(attacks);
		for (let n = worker; !isOver; n += 1) {
			const [name, one] = all[n % all.length] as [string, Attack];
			const { status } = await one(send, ids[n % ids.length] ?? '');
			made.set(name, (made.get(name) ?? 0) + 1);
			if (status >= 500 && status !== 503) failed.push(status);
		}
	};
	const workOfTrips = (trips: Trip[]) => sum(trips.map(({ work }) => work));
	const worksAhead = () => ahead.map(workOfTrips).filter((work) => work > 0);
	const attacking = Promise.all(Array.from({ length: ATTACKERS }, (_, worker) => attack(worker)));
	// On a loaded machine, which is slow for both, a trip may wait for too long: 503.
	const callOther = async (method: string, path: string, body?: unknown) => {
		const { status } = await other.call(
			method,
			`${SESSIONS}/${id}${path}`,
			body === undefined ? {} : { body },
		);
		if (status >= 400 && status !== 503) failed.push(status);
	};
	// Where the Worker is slow beside D1, fewer calls meet a trip of the attacker.
	for (let n = 0; n < CALLS || (n < 20 * CALLS && worksAhead().length < CALLS / 2); n += 3) {
		await callOther('POST', '/events', { type: 'note' });
		await callOther('GET', '?fields=status');
		await callOther('PATCH', '', { plan: { n } });
	}
	isOver = true;
	await attacking;
	for (const stream of streams) await stream.leave();

	const waits = ahead.map(workOfTrips);
	expect(failed).toEqual([]);
	expect(made.size).toBe(Object.keys(attacks).length);
	expect(worksAhead().length).toBeGreaterThanOrEqual(CALLS / 2);
	// The work of a trip is known when it has ended: one can be more than was expected.
	expect(p99(waits)).toBeLessThan(2.5 * WORK_AT_ONCE_MS);
	expect(Math.max(...waits)).toBeLessThan(100);
});

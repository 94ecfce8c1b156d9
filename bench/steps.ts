import type { Contender, Cost } from './contenders.ts';
import { costOf } from './costs.ts';
import { restore, sessionId } from './seed.ts';
import { median, rounded } from './statistics.ts';

const EVENTS = 10;
const SESSION = `/v1/products/generation/sessions/${sessionId(501)}`;
const event = { type: 'step.done', payload: { step: 'step-1', tokens: 1200 } };
const patch = { plan: { last: 'step-1' } };

type Request = Parameters<typeof costOf>[1];
const request = (method: string, path: string, body: unknown): Request => ({
	method,
	path: SESSION + path,
	body: JSON.stringify(body),
});
const step = [request('POST', '/steps', { events: Array.from({ length: EVENTS }, () => event), patch })];
const callByCall = [
	...Array.from({ length: EVENTS }, () => request('POST', '/events', event)),
	request('PATCH', '', patch),
];

/** The cost of a unit of work: all its requests, one after another. */
interface Work extends Cost {
	requests: number;
	/** The median of the rounds. */
	ms: number;
}

async function once(service: Contender, requests: readonly Request[]): Promise<Work> {
	const started = performance.now();
	const work = { requests: requests.length, ms: 0, d1Trips: 0, rowsRead: 0, rowsWritten: 0 };
	for (const each of requests) {
		const cost = await costOf(service, each);
		work.d1Trips += cost.d1Trips;
		work.rowsRead += cost.rowsRead;
		work.rowsWritten += cost.rowsWritten;
	}
	return { ...work, ms: performance.now() - started };
}

/** Measures ten events and a patch, as one step and as separate calls. They take turns. */
export async function stepsOf(service: Contender, rounds: number): Promise<{ step: Work; callByCall: Work }> {
	const [steps, calls]: [Work[], Work[]] = [[], []];
	for (let round = 0; round <= rounds; round += 1) {
		steps.push(await once(service, step));
		calls.push(await once(service, callByCall));
		await restore(service.d1);
	}
	// The first round warms up.
	const middle = (works: readonly Work[]): Work => {
		const [, ...measured] = works;
		const [first] = measured;
		if (!first) throw new Error('no round was measured');
		return { ...first, ms: rounded(median(measured.map(({ ms }) => ms))) };
	};
	return { step: middle(steps), callByCall: middle(calls) };
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause } from '../../src/core/pause.ts';
import { type Contender, newKey } from '../contenders.ts';
import { insertSessions, sessionId } from '../seed.ts';
import { waitOfThread } from '../workerd.ts';
import { fill } from './attacks.ts';
import { type Call, type Sender, send } from './send.ts';

const CALLS = 200;
const QUIET_CALLS = 500;
const WARM_UP_MS = 1500;
const FORK_MS = 500;
/** A caller that waits for longer than this in all gets no further calls. */
const PATIENCE_MS = 15_000;
/**
 * On a busy machine this process waits for a processor while the service works on, after its response or before the request. A call
 * in which it waited for longer says nothing about the service.
 */
const MOST_WAIT_MS = 2;
const NEIGHBOURS = 99_999;

/** What calls have taken, each in milliseconds: by the clock, and of the processor time of the service and its database. */
export interface Taken {
	clock: number[];
	processor: number[];
	/** The number of calls that are left out, because this process waited for the machine. */
	leftOut: number;
}

/** Times small calls one after another: an append, a read and a change in turn. */
async function smallCalls(service: Contender, from: Sender, count: number): Promise<Taken> {
	const taken: Taken = { clock: [], processor: [], leftOut: 0 };
	const path = `/${sessionId(NEIGHBOURS)}`;
	const began = performance.now();
	for (let n = 0; taken.clock.length < count && performance.now() - began < PATIENCE_MS; n += 1) {
		const calls: Call[] = [
			{ method: 'POST', path: `${path}/events`, body: '{"type":"a"}' },
			{ method: 'GET', path: `${path}?fields=status` },
			{ method: 'PATCH', path, body: `{"plan":{"n":${n}}}` },
		];
		const waited = waitOfThread();
		const worked = service.mainThreadTime() ?? Number.NaN;
		const started = performance.now();
		const status = await send(from, calls[n % calls.length] as Call);
		const clock = performance.now() - started;
		const processor = (service.mainThreadTime() ?? Number.NaN) - worked;
		if (waitOfThread() - waited > MOST_WAIT_MS) taken.leftOut += 1;
		else {
			taken.clock.push(clock);
			taken.processor.push(processor);
		}
		if (status >= 300) throw new Error(`A small call got ${status}.`);
	}
	return taken;
}

/** Fills the service for the attacks, and returns the key of the neighbour with a session of its own. */
export async function prepare(service: Contender): Promise<Sender> {
	await fill(service);
	const neighbour = { url: service.url, key: await newKey(service.d1, 'user_neighbour') };
	await insertSessions(service.d1, { from: NEIGHBOURS, count: 1, owner: 'user_neighbour', plan: '{}' });
	await smallCalls(service, neighbour, CALLS);
	return neighbour;
}

/** Times small calls of the neighbour while nobody else calls. */
export const quiet = (service: Contender, neighbour: Sender): Promise<Taken> =>
	smallCalls(service, neighbour, QUIET_CALLS);

/** Times small calls of the neighbour during an attack. Returns also how the attacker's requests were answered. */
export async function attacked(
	service: Contender,
	neighbour: Sender,
	name: string,
): Promise<Taken & { answers: string }> {
	const attacker = fork(join(import.meta.dirname, 'attacker.ts'), [service.url, service.key, name]);
	// Deletions are soon over.
	await pause(name.startsWith('deletions') ? FORK_MS : WARM_UP_MS);
	const taken = await smallCalls(service, neighbour, CALLS);
	attacker.send('enough');
	const [answers] = await once(attacker, 'message');
	await pause(WARM_UP_MS);
	return { ...taken, answers: String(answers) };
}

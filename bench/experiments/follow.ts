/**
 * Measures following live, beside a bare broadcast: `npx node bench/experiments/follow.ts > bench/experiments/follow.md`.
 */
import { setTimeout } from 'node:timers/promises';
import { Agent } from 'undici';
import { build, type Contender, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertSessions, OWNER, sessionId } from '../seed.ts';
import { percentile } from '../statistics.ts';

const FOLLOWERS = [1, 200];
/** The events that are appended one by one, each after all followers have received the one before. */
const EVENTS = 200;
/** The events that the writers append without a pause. */
const BURST = 500;
const WRITERS = 10;
const SESSIONS = '/v1/products/generation/sessions';
const BODY = JSON.stringify({ type: 'step.done', payload: { step: 'step-1', tokens: 1200 } });

/** The results for one contender and one number of followers of one session. */
interface Figures {
	/** From the response to the append to a follower's frame. Negative when the frame arrives before the response. */
	p50Ms: number;
	p99Ms: number;
	/** For all followers together, while ten writers append. */
	framesPerSecond: number;
	/** The memory of workerd for each newly connected follower. */
	bytesPerFollower: number | null;
}

async function measure(contender: Contender, path: string, count: number): Promise<Figures> {
	const agent = new Agent({ connections: null });
	const append = async (): Promise<string> => {
		const { statusCode, body } = await agent.request({
			origin: contender.url,
			path,
			method: 'POST',
			headers: { Authorization: `Bearer ${contender.key}`, 'Content-Type': 'application/json' },
			body: BODY,
		});
		const { id } = (await body.json()) as { id: string };
		if (statusCode !== 201) throw new Error(`${contender.name} answers an append with ${statusCode}`);
		return id;
	};
	await append();
	const before = contender.memory();
	const followers = await Promise.all(
		Array.from({ length: count }, () => newFollower(agent, contender, path)),
	);
	const arrived = async (id: string) => {
		while (!followers.every(({ frames }) => frames.has(id))) await setTimeout(1);
	};
	try {
		await setTimeout(500);
		const connected = contender.memory();
		// The first events warm up.
		for (let n = 0; n < 10; n += 1) await arrived(await append());

		const latencies: number[] = [];
		for (let n = 0; n < EVENTS; n += 1) {
			const id = await append();
			const answered = performance.now();
			await arrived(id);
			for (const { frames } of followers) latencies.push((frames.get(id) ?? Number.NaN) - answered);
		}

		const started = performance.now();
		const ids: string[] = [];
		let sent = 0;
		await Promise.all(
			Array.from({ length: WRITERS }, async () => {
				while (sent < BURST) {
					sent += 1;
					ids.push(await append());
				}
			}),
		);
		for (const id of ids) await arrived(id);
		const seconds = (performance.now() - started) / 1000;
		return {
			p50Ms: percentile(latencies, 0.5),
			p99Ms: percentile(latencies, 0.99),
			framesPerSecond: Math.round((BURST * count) / seconds),
			bytesPerFollower:
				before === null || connected === null ? null : Math.round((connected - before) / count),
		};
	} finally {
		for (const { leave } of followers) leave();
		await agent.destroy();
	}
}

/** Follows, and records the arrival time of each event by its id. */
async function newFollower(agent: Agent, contender: Contender, path: string) {
	const frames = new Map<string, number>();
	const leaving = new AbortController();
	const { statusCode, body } = await agent.request({
		origin: contender.url,
		path,
		method: 'GET',
		headers: { Authorization: `Bearer ${contender.key}`, Accept: 'text/event-stream' },
		signal: leaving.signal,
	});
	if (statusCode !== 200) throw new Error(`${contender.name} answers a follower with ${statusCode}`);
	let text = '';
	body.on('error', () => {});
	body.setEncoding('utf8').on('data', (part: string) => {
		const now = performance.now();
		text += part;
		for (const [, id] of text.matchAll(/^id: (\S+)$/gm)) if (id && !frames.has(id)) frames.set(id, now);
		text = text.slice(text.lastIndexOf('\n\n') + 1);
	});
	return { frames, leave: () => leaving.abort() };
}

const scripts = { service: build(), broadcast: build('experiments/workers/broadcast.ts') };
const rows: string[][] = [];
for (const count of FOLLOWERS) {
	progress(`following with ${count}`);
	const service = await startContender('service', scripts.service);
	const broadcast = await startContender('broadcast', scripts.broadcast);
	try {
		await insertSessions(service.d1, { from: 1, count: 1, owner: OWNER, plan: '{}' });
		const own = await measure(service, `${SESSIONS}/${sessionId(1)}/events`, count);
		const bare = await measure(broadcast, '/session/events', count);
		const row = (name: string, each: Figures, ratio: string) => [
			`${name}, ${count} follower${count === 1 ? '' : 's'}`,
			each.p50Ms.toFixed(1),
			each.p99Ms.toFixed(1),
			ratio,
			String(each.framesPerSecond),
			each.bytesPerFollower === null ? 'unknown' : (each.bytesPerFollower / 1000).toFixed(0),
		];
		rows.push(
			row('this service', own, `${(own.p99Ms / bare.p99Ms).toFixed(1)} ×`),
			row('bare broadcast', bare, ''),
		);
	} finally {
		await service.close();
		await broadcast.close();
	}
}
progress('');
console.log(`# Following live

Made by \`npx node bench/experiments/follow.ts\`. Milliseconds from the append's response to a follower's frame; frames of all
followers together.

${markdownTable([['following', 'p50 ms', 'p99 ms', 'p99 of broadcast', 'frames/s', 'KB a follower'], ...rows])}

- ${EVENTS} events, one by one; frames a second while ${WRITERS} writers append ${BURST} events.
- ${describe(machine())}`);

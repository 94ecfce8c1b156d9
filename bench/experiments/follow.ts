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

const CROWD = 200;
const FOLLOWERS = [1, CROWD];
/** The events that are appended one by one, each after all followers have received the one before. */
const EVENTS = 200;
/** The events that the writers append without a pause. */
const BURST = 500;
const WRITERS = 10;
/** The memory that a follower retains: the growth over some crowds, after one that has left. */
const CROWDS = 4;
/** Followers that connect at a time while the memory is measured. */
const AT_ONCE = 20;
/**
 * With these flags V8 collects all garbage at every megabyte of it. Otherwise the growth of a process is mostly garbage: that of
 * opening, and that of Miniflare's stand-in for D1, which runs in the same process and grows by 30 KB with each trip.
 */
const PROMPT_COLLECTION = '--gc-global --min-semi-space-size=1 --max-semi-space-size=1';
/** How long a Worker takes to notice that followers have left. */
const LEAVING_MS = 1500;
const SESSIONS = '/v1/products/generation/sessions';
const BODY = JSON.stringify({ type: 'step.done', payload: { step: 'step-1', tokens: 1200 } });

/** The results for one contender and one number of followers of one session. */
interface Figures {
	/** From the response to the append to a follower's frame. Negative when the frame arrives before the response. */
	p50Ms: number;
	p99Ms: number;
	/** For all followers together, while ten writers append. */
	framesPerSecond: number;
	/** The memory of workerd for each newly connected follower, with the garbage of opening. */
	bytesPerFollower: number | null;
	/** The processor time of workerd for an append after the followers have left, in milliseconds. The hub is still told. */
	appendMs: number | null;
	/** What each follower adds to that. */
	frameMs: number | null;
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

		const spent = contender.processorTime();
		const started = performance.now();
		for (const id of await burst(append)) await arrived(id);
		const seconds = (performance.now() - started) / 1000;
		const withFollowers = perAppend(spent, contender.processorTime());

		for (const { leave } of followers) leave();
		await setTimeout(LEAVING_MS);
		const spentWithout = contender.processorTime();
		await burst(append);
		// The writers have their responses before the hub has been told.
		await setTimeout(100);
		const appendMs = perAppend(spentWithout, contender.processorTime());
		return {
			p50Ms: percentile(latencies, 0.5),
			p99Ms: percentile(latencies, 0.99),
			framesPerSecond: Math.round((BURST * count) / seconds),
			bytesPerFollower:
				before === null || connected === null ? null : Math.round((connected - before) / count),
			appendMs,
			frameMs: withFollowers === null || appendMs === null ? null : (withFollowers - appendMs) / count,
		};
	} finally {
		for (const { leave } of followers) leave();
		await agent.destroy();
	}
}

/** Appends without a pause, and returns the ids of the events. */
async function burst(append: () => Promise<string>): Promise<string[]> {
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
	return ids;
}

const perAppend = (from: number | null, to: number | null): number | null =>
	from === null || to === null ? null : (to - from) / BURST;

/** The memory of workerd that a follower holds when all garbage has been collected, in a process that has had followers before. */
async function retained(contender: Contender, path: string, count: number): Promise<number | null> {
	const agent = new Agent({ connections: null });
	const leaves: (() => void)[] = [];
	const connect = async () => {
		for (let left = count; left > 0; left -= AT_ONCE) {
			const some = Array.from({ length: Math.min(left, AT_ONCE) }, () => newFollower(agent, contender, path));
			for (const { leave } of await Promise.all(some)) leaves.push(leave);
		}
		await setTimeout(500);
	};
	try {
		await connect();
		for (const leave of leaves.splice(0)) leave();
		await setTimeout(LEAVING_MS);
		// This crowd takes the memory that the first one has left.
		await connect();
		const before = contender.memory();
		for (let crowd = 0; crowd < CROWDS; crowd += 1) await connect();
		const after = contender.memory();
		return before === null || after === null ? null : Math.round((after - before) / (CROWDS * count));
	} finally {
		for (const leave of leaves) leave();
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
const paths = { service: `${SESSIONS}/${sessionId(1)}/events`, broadcast: '/session/events' };

/** Runs something with a new contender of each kind. */
async function withEach<T>(run: (contender: Contender, path: string) => Promise<T>) {
	const service = await startContender('service', scripts.service);
	const broadcast = await startContender('broadcast', scripts.broadcast);
	try {
		await insertSessions(service.d1, { from: 1, count: 1, owner: OWNER, plan: '{}' });
		return { own: await run(service, paths.service), bare: await run(broadcast, paths.broadcast) };
	} finally {
		await service.close();
		await broadcast.close();
	}
}

const shown = (value: number | null, unit: number, digits = 0): string =>
	value === null ? 'unknown' : (value / unit).toFixed(digits);

const times = (own: number | null, bare: number | null): string =>
	own === null || bare === null ? 'unknown' : `${(own / bare).toFixed(1)} ×`;

const rows: string[][] = [];
let connected: Record<'own' | 'bare', number | null> = { own: null, bare: null };
for (const count of FOLLOWERS) {
	progress(`following with ${count}`);
	const { own, bare } = await withEach((contender, path) => measure(contender, path, count));
	const row = (name: string, each: Figures, ratio: string) => [
		`${name}, ${count} follower${count === 1 ? '' : 's'}`,
		each.p50Ms.toFixed(1),
		each.p99Ms.toFixed(1),
		ratio,
		String(each.framesPerSecond),
		shown(each.appendMs, 1, 2),
		shown(each.frameMs, 0.001),
	];
	rows.push(row('this service', own, times(own.p99Ms, bare.p99Ms)), row('bare broadcast', bare, ''));
	if (count === CROWD) connected = { own: own.bytesPerFollower, bare: bare.bytesPerFollower };
}

progress('the memory of followers');
process.env.MINIFLARE_WORKERD_V8_FLAGS = PROMPT_COLLECTION;
const held = await withEach((contender, path) => retained(contender, path, CROWD));
const memoryRow = (name: string, { own, bare }: typeof held) => [
	name,
	shown(own, 1000),
	shown(bare, 1000),
	times(own, bare),
];
progress('');
console.log(`# Following live

Made by \`npx node bench/experiments/follow.ts\`. Milliseconds from the append's response to a follower's frame; frames of all
followers together; processor time of workerd.

${markdownTable([['following', 'p50 ms', 'p99 ms', 'p99 of broadcast', 'frames/s', 'ms an append', 'µs a frame'], ...rows])}

- ${EVENTS} events, one by one; frames a second while ${WRITERS} writers append ${BURST} events.
- An append of the service writes to a database, and one of the broadcast does not. While they append without a pause, that is
  most of the difference in frames a second. "ms an append" is its processor time after the followers have left, and "µs a frame"
  is what each follower adds.

${markdownTable([['KB a follower', 'this service', 'bare broadcast', 'ratio'], memoryRow('newly connected', connected), memoryRow('retained', held)])}

- ${CROWD} followers. "Newly connected" is the growth of workerd while the first ones connect. It includes garbage: that of opening,
  and that of Miniflare's stand-in for D1, which runs in the same process. On Cloudflare D1 runs elsewhere.
- "Retained" is the growth over ${CROWDS} crowds that stay, after others have left, while V8 collects all garbage at every megabyte.
- ${describe(machine())}`);

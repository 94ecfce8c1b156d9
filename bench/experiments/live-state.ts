/**
 * Measures what 200 followers of a session with a plan of 400 KB receive while it changes a little 100 times: by reading the
 * session again after each `session` frame, and from the frames of `state=true`:
 * `npx node bench/experiments/live-state.ts > bench/experiments/live-state.md`.
 */
import { setTimeout } from 'node:timers/promises';
import { Agent } from 'undici';
import { build, type Contender, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertSessions, OWNER, sessionId } from '../seed.ts';

const FOLLOWERS = 200;
const MERGES = 100;
const PLAN = JSON.stringify({ text: 'x'.repeat(399_900) });
const SESSION = `/v1/products/generation/sessions/${sessionId(1)}`;
const MERGE = { 'Content-Type': 'application/merge-patch+json' };

type Way = 'reads it again' | 'holds it';

interface Figures {
	/** Received by all followers, after each has the session for the first time. */
	bytes: number;
	/** Trips to D1 of all followers in the same time. */
	trips: number;
	seconds: number;
	/** The processor time of workerd in the same time. */
	processorSeconds: number | null;
}

async function measure(service: Contender, way: Way): Promise<Figures> {
	const agent = new Agent({ connections: null });
	const authorization = { Authorization: `Bearer ${service.key}` };
	const request = (method: 'GET' | 'PATCH', path: string, headers: Record<string, string>, body?: string) =>
		agent.request({
			origin: service.url,
			path,
			method,
			headers: { ...authorization, ...headers },
			...(body === undefined ? {} : { body }),
		});
	let bytes = 0;
	const leaving = new AbortController();

	/** Follows, and counts the bytes. `version` is that of the session that it has. */
	async function newFollower() {
		const follower = { version: 0 };
		const query = way === 'holds it' ? '?state=true' : '';
		const { body } = await agent.request({
			origin: service.url,
			path: `${SESSION}/events${query}`,
			method: 'GET',
			headers: { ...authorization, Accept: 'text/event-stream' },
			signal: leaving.signal,
		});
		body.on('error', () => {});
		let text = '';
		let reading = Promise.resolve();
		body.setEncoding('utf8').on('data', (part: string) => {
			bytes += part.length;
			text += part;
			const end = text.lastIndexOf('\n\n');
			if (end === -1) return;
			const [, version] = [...text.slice(0, end).matchAll(/^data: \{"etag":"\\"(\d+)\\""/gm)].at(-1) ?? [];
			text = text.slice(end + 2);
			if (version === undefined) return;
			if (way === 'holds it') follower.version = Number(version);
			else {
				reading = reading.then(async () => {
					const { body: session } = await request('GET', `${SESSION}?fields=plan`, {});
					bytes += (await session.text()).length;
					follower.version = Number(version);
				});
			}
		});
		return follower;
	}

	const followers = await Promise.all(Array.from({ length: FOLLOWERS }, newFollower));
	const merge = async (n: number): Promise<void> => {
		const { headers, body } = await request('PATCH', SESSION, MERGE, JSON.stringify({ plan: { step: n } }));
		await body.dump();
		const version = Number(String(headers.etag).slice(1, -1));
		while (followers.some((follower) => follower.version < version)) await setTimeout(1);
	};
	await merge(0);
	let trips = 0;
	service.onCost = ({ d1Trips }) => {
		trips += d1Trips;
	};
	await setTimeout(500);
	bytes = 0;
	trips = 0;
	const started = performance.now();
	const before = service.processorTime();
	for (let n = 1; n <= MERGES; n += 1) {
		progress(`a follower that ${way}: merge ${n}`);
		await merge(n);
	}
	const seconds = (performance.now() - started) / 1000;
	const after = service.processorTime();
	await setTimeout(500);
	const figures = {
		bytes,
		trips: trips - MERGES,
		seconds,
		processorSeconds: before === null || after === null ? null : (after - before) / 1000,
	};
	service.onCost = undefined;
	leaving.abort();
	await agent.destroy();
	return figures;
}

const script = build();
const rows: string[][] = [];
for (const way of ['reads it again', 'holds it'] as const) {
	const service = await startContender('service', script);
	try {
		await insertSessions(service.d1, { from: 1, count: 1, owner: OWNER, plan: PLAN });
		const { bytes, trips, seconds, processorSeconds } = await measure(service, way);
		rows.push([
			`each follower ${way}`,
			(bytes / 1e6).toFixed(1),
			String(trips),
			seconds.toFixed(1),
			processorSeconds === null ? 'unknown' : processorSeconds.toFixed(1),
		]);
	} finally {
		await service.close();
	}
}
progress('');
console.log(`# Holding a session

Made by \`npx node bench/experiments/live-state.ts\`. ${FOLLOWERS} followers of a session with a plan of 400 KB, which ${MERGES} small
merges change one after the other: each begins when all followers have the one before.

${markdownTable([['', 'MB received', 'trips of followers', 'seconds', 'processor seconds'], ...rows])}

- What the followers read before the first merge is not counted.
- ${describe(machine())}`);

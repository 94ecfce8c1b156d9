/**
 * Measures the largest responses, beside a Worker that only sends the same number of bytes:
 * `npx node bench/experiments/large.ts > bench/experiments/large.md`.
 */
import { build, type Contender, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { progress } from '../progress.ts';
import { insertSessions, OWNER, sessionId } from '../seed.ts';
import { median } from '../statistics.ts';

const PATH = '/v1/products/generation/sessions';
const ROUNDS = 3;
const MEGABYTE = 1e6;

/** Fills the database, and returns the path of the response. */
type Fill = (d1: D1Database) => Promise<string>;

const textOf = (bytes: number) => JSON.stringify({ text: 'x'.repeat(bytes - 11) });

const fillWithSessions: Fill = async (d1) => {
	await insertSessions(d1, { from: 1, count: 100, owner: OWNER, plan: textOf(375_000) });
	await d1.exec('UPDATE sessions SET prd = plan, product_object = plan, assembly_state = plan');
	return `${PATH}?limit=100`;
};

const fillWithEvents: Fill = async (d1) => {
	await insertSessions(d1, { from: 1, count: 1, owner: OWNER, plan: '{}' });
	await d1
		.prepare(
			`INSERT INTO events (session_id, position, id, type, payload, created_at)
			WITH RECURSIVE e (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e WHERE n < 1000)
			SELECT ?1, n, printf('evt_%010d00000000000000000000', n), 'step.done', ?2, '2026-01-02T00:00:00.000Z' FROM e`,
		)
		.bind(sessionId(1), textOf(64_000))
		.run();
	return `${PATH}/${sessionId(1)}`;
};

/** The cells of one response. Medians, except for memory. */
async function measured(name: string, script: string, floor: Contender, fill: Fill): Promise<string[]> {
	progress(name);
	const service = await startContender('service', script);
	try {
		const path = await fill(service.d1);
		for (let warm = 0; warm < 20; warm += 1) await get(service, `${PATH}?fields=id`);
		const idle = service.memory();
		const first = await get(service, path);
		const peak = service.peakMemory();
		const own = [first, ...(await rounds(ROUNDS - 1, () => get(service, path)))];
		const sent = await rounds(ROUNDS, () => get(floor, `/${first.bytes}`));
		const speedOf = (each: Awaited<ReturnType<typeof get>>) => each.bytes / MEGABYTE / (each.ms / 1000);
		const figures = [
			first.bytes / MEGABYTE,
			median(own.map(({ firstByteMs }) => firstByteMs)),
			median(own.map(speedOf)),
			median(sent.map(speedOf)),
		].map((figure) => figure.toFixed(0));
		const memory = idle === null || peak === null ? 'unknown' : ((peak - idle) / MEGABYTE).toFixed(0);
		return [name, ...figures, memory];
	} finally {
		await service.close();
	}
}

async function rounds<T>(count: number, round: () => Promise<T>): Promise<T[]> {
	const results: T[] = [];
	for (let n = 0; n < count; n += 1) results.push(await round());
	return results;
}

async function get({ url, key }: Contender, path: string) {
	const started = performance.now();
	const response = await fetch(url + path, { headers: { Authorization: key } });
	if (!response.ok || !response.body) throw new Error(`GET ${path}: ${response.status}`);
	let [bytes, firstByteMs] = [0, 0];
	for await (const chunk of response.body) {
		firstByteMs ||= performance.now() - started;
		bytes += chunk.length;
	}
	return { bytes, firstByteMs, ms: performance.now() - started };
}

const script = build();
const floor = await startContender('stream', build('experiments/workers/stream.ts'));
const rows = [['response', 'MB', 'first byte, ms', 'MB/s', 'MB/s of floor', 'memory above idle, MB']];
try {
	rows.push(await measured('list, 100 of 1.5 MB each', script, floor, fillWithSessions));
	rows.push(await measured('details, 1,000 events of 64 KB', script, floor, fillWithEvents));
} finally {
	await floor.close();
}
progress('');
console.log(`# Large responses

Made by \`npx node bench/experiments/large.ts\`, one client at a time. The floor sends the same number of bytes and reads nothing.
Memory is the peak of the whole workerd during the first response: the service, and Miniflare's D1, which copies each
result several times. A local workerd keeps some memory after every call, of the floor's Worker as of the service, so that
later responses start higher.

${markdownTable(rows)}

- ${ROUNDS} rounds, medians; memory is above what workerd had before the first round.
- ${describe(machine())}`);

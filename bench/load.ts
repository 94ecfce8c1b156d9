import { Pool } from 'undici';
import { type Call, nameOf } from './calls.ts';
import type { Contender } from './contenders.ts';
import { addDeletable, DELETABLE, restore } from './seed.ts';

/** The result of one run of one call against one contender. */
export interface Sample {
	requestsPerSecond: number;
	/** Milliseconds of each request. */
	latencies: number[];
	/**
	 * Milliseconds of workerd's processor time for each request. Other programs affect it less than the elapsed time.
	 */
	processorMs: number | null;
}

/** The minimum number of requests for a rate. A short round of slow requests would have only a few dozen. */
const LEAST_REQUESTS = 100;

/**
 * Sends one kind of request over a number of connections, each with one request at a time. It runs for the given time,
 * or longer if that is too short for a rate.
 */
export async function load(
	contender: Contender,
	call: Call,
	connections: number,
	ms: number,
): Promise<Sample> {
	if (call.endpoint === 'delete') await addDeletable(contender.d1);
	const pool = new Pool(contender.url, { connections, pipelining: 1 });
	const headers = {
		Authorization: `Bearer ${contender.key}`,
		...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
	};
	const most = call.endpoint === 'delete' ? DELETABLE : Number.POSITIVE_INFINITY;
	const latencies: number[] = [];
	let sent = 0;
	const processor = contender.processorTime();
	const started = performance.now();
	let last = started;

	async function connection(): Promise<void> {
		while (sent < most) {
			const begun = performance.now();
			if (begun - started >= ms && sent >= LEAST_REQUESTS) return;
			const path = call.path(sent);
			sent += 1;
			const { statusCode, body } = await pool.request({
				path,
				method: call.method,
				headers,
				body: call.body ?? null,
			});
			await body.arrayBuffer();
			last = performance.now();
			if (statusCode >= 300) throw new Error(`${contender.name} answers ${nameOf(call)} with ${statusCode}`);
			latencies.push(last - begun);
		}
	}

	try {
		await Promise.all(Array.from({ length: connections }, connection));
	} finally {
		await pool.close();
	}
	const used = contender.processorTime();
	await restore(contender.d1);
	return {
		requestsPerSecond: (latencies.length / (last - started)) * 1000,
		latencies,
		processorMs: used === null || processor === null ? null : (used - processor) / latencies.length,
	};
}

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerdProcesses } from '../../bench/workerd.ts';
import { type Server, startServer } from '../support/server.ts';
import { peakAbove, sizeOf } from '../support/workerd-memory.ts';

const LIST = '/v1/products/generation/sessions?limit=100';
const COUNT = 60;
/** An object of 400,000 bytes, the maximum. */
const FULL = JSON.stringify({ text: 'x'.repeat(400_000 - 11) });
const MEGABYTE = 1e6;

let server: Server;
let key: string;
let processes: number[];
let idle: number;

/** How each session of the list begins. */
const MARK = '"id":"sess_';

/** Reads the list over a new connection, at most so many bytes a second, and returns how many sessions it has. It keeps nothing. */
function read(bytesPerSecond = Number.POSITIVE_INFINITY, path = LIST): Promise<number> {
	return new Promise((resolve, reject) => {
		const sent = request(server.url + path, { headers: { Authorization: key }, agent: false });
		sent.once('error', reject);
		sent.once('response', async (response) => {
			const started = performance.now();
			let received = 0;
			let count = 0;
			let end = '';
			try {
				for await (const bytes of response.setEncoding('latin1')) {
					received += bytes.length;
					const part = end + bytes;
					count += part.split(MARK).length - 1;
					end = part.slice(1 - MARK.length);
					const early = (received / bytesPerSecond) * 1000 - (performance.now() - started);
					if (early > 0) await new Promise((later) => setTimeout(later, early));
				}
				resolve(count);
			} catch (error) {
				reject(error);
			}
		});
		sent.end();
	});
}

/** workerd's memory is known on Linux only. It is the service and its database, which copies each result several times. */
describe.runIf(process.platform === 'linux')('a list of 60 sessions with all objects full', () => {
	beforeAll(async () => {
		const before = workerdProcesses();
		server = await startServer();
		processes = workerdProcesses().filter((pid) => !before.includes(pid));
		expect(processes.length).toBeGreaterThan(0);
		const userId = `user_${crypto.randomUUID()}`;
		key = await server.newKey({ userId });
		await server.env.DB.prepare(
			`INSERT INTO sessions (id, user_id, status, prd, plan, product_object, assembly_state, created_at, updated_at, expires_at)
			WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?2)
			SELECT printf('sess_0%025d', n), ?1, 'intake', ?3, ?3, ?3, ?3, '2026-01-01T00:00:00.000Z',
				'2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z' FROM s`,
		)
			.bind(userId, COUNT, FULL)
			.run();
		for (let n = 0; n < 20; n += 1) await read(undefined, `${LIST}&fields=id`);
		idle = sizeOf(processes);
	});
	afterAll(() => server.close());

	it.each([
		{ name: 'once, to a client that reads 1 MB a second', readers: 1, rate: MEGABYTE, megabytes: 100 },
		{ name: 'once', readers: 1, rate: undefined, megabytes: 100 },
		{ name: 'four times at once', readers: 4, rate: undefined, megabytes: 250 },
	])('takes less than $megabytes MB of memory $name', async ({ readers, rate, megabytes }) => {
		const above = await peakAbove(idle, processes, async () => {
			const counts = await Promise.all(Array.from({ length: readers }, () => read(rate)));
			expect(counts).toEqual(Array(readers).fill(COUNT));
		});
		expect(above / MEGABYTE).toBeLessThan(megabytes);
	});
});

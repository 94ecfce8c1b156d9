import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksOf, run } from '../../scripts/conformance/run.ts';
import { databaseNumberOf } from '../../src/core/session-id.ts';
import { type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';

let server: Server;
beforeAll(async () => {
	server = await startServer({}, undefined, 3);
});
afterAll(() => server.close());

describe('the built Worker on three databases', () => {
	it('passes all conformance checks for owners whose sessions are in each of the databases', async () => {
		const numbers = new Set<number>();
		for (let n = 0; numbers.size < 3 && n < 50; n += 1) {
			const userId = `user_${crypto.randomUUID()}`;
			const apiKey = await server.newKey({ userId });
			const limitedApiKey = await server.newKey({ userId, permissions: ['PRODUCTS:READ'] });
			const headers = { Authorization: `Bearer ${apiKey}` };
			const made = await fetch(server.url + SESSIONS, { method: 'POST', headers });
			const { id } = (await made.json()) as { id: string };
			await fetch(`${server.url}${SESSIONS}/${id}`, { method: 'DELETE', headers });
			if (numbers.has(databaseNumberOf(id))) continue;
			numbers.add(databaseNumberOf(id));
			const target = { baseUrl: server.url, apiKey, limitedApiKey, timeout: 30_000 };
			const { results, left } = await run(target, {
				isReadonly: false,
				tell: () => {},
				chosen: checksOf.strict,
			});
			expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
			expect(left).toEqual([]);
		}
		expect([...numbers].sort()).toEqual([0, 1, 2]);
	});
});

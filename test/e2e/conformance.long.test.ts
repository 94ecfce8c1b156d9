import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksOf, run } from '../../scripts/conformance/run.ts';
import { breakages } from '../conformance/breakages.ts';
import type { Breakage } from '../support/broken-server/breakage.ts';
import { breakingProxy } from '../support/broken-server/proxy.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server.close());

/** The ids of the checks that fail when a proxy before the built Worker breaks a rule. */
async function failures(breakage: Breakage): Promise<string[]> {
	const userId = `user_${crypto.randomUUID()}`;
	const proxy = await breakingProxy(server.url, breakage);
	try {
		const target = {
			baseUrl: proxy.url,
			apiKey: await server.newKey({ userId }),
			limitedApiKey: await server.newKey({ userId, permissions: ['PRODUCTS:READ'] }),
			timeout: 30_000,
		};
		const { results } = await run(target, {
			isReadonly: false,
			tell: () => {},
			chosen: checksOf.strict,
		});
		expect(results).toHaveLength(checksOf.strict.length);
		return results.filter(({ status }) => status === 'failed').map(({ id }) => id);
	} finally {
		await proxy.close();
	}
}

// test/conformance/faults.test.ts runs the same faults without a network.
describe.concurrent('the conformance checks', () => {
	it.each(breakages)('find over HTTP that %s', async (_, breakage, expected) => {
		expect((await failures(breakage)).sort()).toEqual(expected.toSorted());
	});
});

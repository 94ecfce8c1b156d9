import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Check, extensions } from '../../scripts/conformance/check.ts';
import { startReceiver } from '../../scripts/conformance/receiver.ts';
import { checksOf, checksOfExtensions, run } from '../../scripts/conformance/run.ts';
import { breakages } from '../conformance/breakages.ts';
import { brokenExtensions } from '../conformance/broken/all.ts';
import type { Breakage } from '../support/broken-server/breakage.ts';
import { breakingProxy } from '../support/broken-server/proxy.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
});
afterAll(() => server.close());

/** The ids of the checks that fail when a proxy before the built Worker breaks a rule. */
async function failures(breakage: Breakage, chosen: readonly Check[], timeout: number): Promise<string[]> {
	const userId = `user_${crypto.randomUUID()}`;
	const proxy = await breakingProxy(server.url, breakage);
	try {
		const target = {
			baseUrl: proxy.url,
			apiKey: await server.newKey({ userId }),
			limitedApiKey: await server.newKey({ userId, permissions: ['PRODUCTS:READ'] }),
			timeout,
			receive: startReceiver,
		};
		const { results } = await run(target, {
			isReadonly: false,
			tell: () => {},
			chosen,
		});
		expect(results).toHaveLength(chosen.length);
		return results.filter(({ status }) => status === 'failed').map(({ id }) => id);
	} finally {
		await proxy.close();
	}
}

/** The subject of a check: the part of its id before the dot. */
const subjectOf = (id: string) => id.split('.')[0];

// test/conformance/faults.test.ts and extensions.test.ts run the same faults without a network.
describe.concurrent('the conformance checks', () => {
	it.each(breakages)('find over HTTP that %s', async (_, breakage, expected) => {
		expect((await failures(breakage, checksOf.strict, 30_000)).sort()).toEqual(expected.toSorted());
	});

	it.each(brokenExtensions)('of extensions find over HTTP that %s', async (_, breakage, expected) => {
		const subjects = new Set(expected.map(subjectOf));
		const chosen = checksOfExtensions(extensions).filter(({ id }) => subjects.has(subjectOf(id)));
		// A lost frame is waited for as long, and the other checks have as long on a slow machine.
		expect((await failures(breakage, chosen, 20_000)).sort()).toEqual(expected.toSorted());
	});
});

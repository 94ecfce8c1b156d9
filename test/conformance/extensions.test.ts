import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Check, extensions, writing } from '../../scripts/conformance/check.ts';
import { webhooksMessagesChecks } from '../../scripts/conformance/extensions/webhooks-messages.ts';
import { checksOf, checksOfExtensions, type Result, run } from '../../scripts/conformance/run.ts';
import { newKey } from '../support/api.ts';
import type { Breakage } from '../support/broken-server/breakage.ts';
import { KEYS, referenceServer } from '../support/reference-server.ts';
import { brokenExtensions } from './broken/all.ts';
import { brokenFetch } from './broken-fetch.ts';
import { statementsOf } from './statements.ts';

const checks = checksOfExtensions(extensions);

/** The servers by origin: one `fetch` reaches all of them, because the tests of this file wait at the same time. */
const servers = new Map<string, (request: Request) => Promise<Response>>();
beforeAll(() => {
	vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
		const request = new Request(input, init);
		const server = servers.get(new URL(request.url).origin);
		if (!server) throw new Error(`No server has the address ${request.url}.`);
		return server(request);
	});
});
afterAll(() => vi.unstubAllGlobals());

/** Serves at an origin of its own, which it returns. */
function serve(server: (request: Request) => Promise<Response>): string {
	const origin = `https://server-${servers.size + 1}.test`;
	servers.set(origin, server);
	return origin;
}

/** Runs checks on the service with a rule broken. Returns the results of those that fail. */
async function failures(breakage: Breakage, chosen: readonly Check[], timeout: number): Promise<Result[]> {
	const { key: apiKey } = await newKey();
	const target = { baseUrl: serve(brokenFetch(breakage)), apiKey, limitedApiKey: undefined, timeout };
	const { results, left } = await run(target, { isReadonly: false, tell: () => {}, chosen });
	expect(results).toHaveLength(chosen.length);
	expect(left).toEqual([]);
	return results.filter(({ status }) => status === 'failed');
}

describe.concurrent('the checks of the extensions', () => {
	// Alone: beside other tests, a slow machine keeps this isolate from what D1 has answered for longer than a call waits for it.
	it('pass on this service', { concurrent: false }, async () => {
		expect(await failures({}, checks, 30_000)).toEqual([]);
	});

	/** Nothing can receive a message here. The long form runs these checks, too. */
	const receiving = new Set(webhooksMessagesChecks.map(({ id }) => id));
	const found = brokenExtensions.filter(([, , ids]) => !ids.some((id) => receiving.has(id)));

	// Only the checks that must fail run here. The long form also runs the others of the same extensions, over HTTP.
	it.each(found)('find that %s', async (_, breakage, expected) => {
		const chosen = checks.filter(({ id }) => expected.includes(id));
		const failed = await failures(breakage, chosen, 3000);
		expect(failed.map(({ id }) => id).sort()).toEqual(expected.toSorted());
	});

	it('each fail on a server that breaks its rule', () => {
		const caught = new Set(brokenExtensions.flatMap(([, , ids]) => ids));
		expect(checks.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
	});

	it('fail on a server that only follows the document of the reference', async () => {
		const target = {
			baseUrl: serve(referenceServer()),
			apiKey: KEYS.full,
			limitedApiKey: undefined,
			timeout: 1000,
		};
		for (const extension of extensions) {
			const chosen = checksOfExtensions([extension]);
			const { results } = await run(target, { isReadonly: false, tell: () => {}, chosen });
			expect([extension, results.some(({ status }) => status === 'failed')]).toEqual([extension, true]);
		}
	});

	it('prove the statements of docs/conformance.md, all of them', () => {
		expect(new Set(checks.map(({ proves }) => proves))).toEqual(
			new Set(statementsOf('What the extensions are').map((name) => `extensions: ${name}`)),
		);
		for (const { id, proves } of checks) expect(proves).toContain(`extensions: ${id.split('.')[0]}.`);
	});

	it('leave no stream open, also when they fail', async () => {
		let closed = 0;
		const baseUrl = serve(async () => {
			const silent = new ReadableStream({
				cancel() {
					closed += 1;
				},
			});
			return new Response(silent, { headers: { 'Content-Type': 'text/event-stream' } });
		});
		const opening = writing('a.b', 'nothing', 'opens two streams', async ({ follow }) => {
			await follow('one');
			await (await follow('two')).next();
		});
		const target = { baseUrl, apiKey: 'k', limitedApiKey: undefined, timeout: 500 };
		const { results } = await run(target, { isReadonly: false, tell: () => {}, chosen: [opening] });
		expect(results.map(({ message }) => message)).toEqual([
			expect.stringContaining('no further frame within 0.5 s'),
		]);
		expect(closed).toBe(2);
	});

	it('have ids of their own', () => {
		const ids = [...checksOf.strict, ...checks].map(({ id }) => id);
		expect(new Set(ids).size).toBe(ids.length);
	});
});

describe('a choice of extensions', () => {
	it('has the checks of these alone, and skips those that need another one', async () => {
		const chosen = checksOfExtensions(['state']);
		expect(new Set(chosen.map(({ id }) => id.split('.')[0]))).toEqual(new Set(['state']));
		const { key: apiKey } = await newKey();
		const baseUrl = serve(brokenFetch({}));
		const target = { baseUrl, apiKey, limitedApiKey: undefined, timeout: 30_000 };
		const { results } = await run(target, { isReadonly: false, tell: () => {}, chosen });
		const skipped = results.filter(({ status }) => status === 'skipped');
		expect(Object.fromEntries(skipped.map(({ id, message }) => [id, message]))).toEqual({
			'state.merges': 'needs the extension merge-patch',
			'state.clears': 'needs the extension merge-patch',
			'state.hash': 'needs the extension hash',
			'state.ttl': 'needs the extension ttl',
			'state.step': 'needs the extension steps',
			'state.proportion': 'needs the extension merge-patch',
		});
		expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
	});
});

import { exports } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { checks, run } from '../../scripts/conformance/run.ts';
import { newKey, ORIGIN } from '../support/api.ts';
import { type Breakage, throughBreakage } from '../support/breakage.ts';
import { breakages } from './breakages.ts';

/** What fetch reaches: the Worker, with a rule broken. Without a socket, all checks take a fraction of a second. */
const brokenFetch = (breakage: Breakage) => async (input: RequestInfo | URL, init?: RequestInit) => {
	const request = new Request(input, init);
	const onward = {
		method: request.method,
		url: new URL(request.url),
		headers: new Headers(request.headers),
		// Decoded by hand: text() warns of what is sent in other types.
		body: new TextDecoder().decode(await request.arrayBuffer()),
	};
	const { status, headers, text } = await throughBreakage(breakage, onward, (url, rest) =>
		exports.default.fetch(new Request(url, rest)),
	);
	return new Response(status === 204 ? null : text, { status, headers });
};

describe('the conformance checks', () => {
	it.each(breakages)('find that %s', async (_, breakage, expected) => {
		const { key: apiKey, row } = await newKey();
		const limited = await newKey({ userId: row.user_id, permissions: ['PRODUCTS:READ'] });
		vi.spyOn(globalThis, 'fetch').mockImplementation(brokenFetch(breakage));
		const target = { baseUrl: ORIGIN, apiKey, limitedApiKey: limited.key, timeout: 30_000 };
		const { results } = await run(target, { isReadonly: false, tell: () => {} });
		expect(results).toHaveLength(checks.length);
		const failed = results.filter(({ status }) => status === 'failed').map(({ id }) => id);
		expect(failed.sort()).toEqual(expected.toSorted());
	});
});

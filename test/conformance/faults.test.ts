import { describe, expect, it, vi } from 'vitest';
import { checksOf, run } from '../../scripts/conformance/run.ts';
import { callerWith, newKey, ORIGIN } from '../support/api.ts';
import { breakages } from './breakages.ts';
import { brokenFetch } from './broken-fetch.ts';

/** The subject of a check: the part of its id before the dot. */
const subjectOf = (id: string) => id.split('.')[0];

describe('the conformance checks', () => {
	it.each(breakages)('find that %s', async (_, breakage, expected) => {
		const { key: apiKey, row } = await newKey();
		const limited = await newKey({ userId: row.user_id, permissions: ['PRODUCTS:READ'] });
		// Some checks need existing sessions. In a full run earlier checks have created them.
		const caller = callerWith(apiKey, { userId: row.user_id, organizationId: null });
		await caller.create();
		await caller.create();
		vi.spyOn(globalThis, 'fetch').mockImplementation(brokenFetch(breakage));
		const target = { baseUrl: ORIGIN, apiKey, limitedApiKey: limited.key, timeout: 30_000 };
		// Only the checks of the same subjects run here. The long form runs all of them for each fault, over HTTP.
		const subjects = new Set(expected.map(subjectOf));
		const chosen = checksOf.strict.filter(({ id }) => subjects.has(subjectOf(id)));
		const { results } = await run(target, { isReadonly: false, tell: () => {}, chosen });
		expect(results).toHaveLength(chosen.length);
		const failed = results.filter(({ status }) => status === 'failed').map(({ id }) => id);
		expect(failed.sort()).toEqual(expected.toSorted());
	});
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Caller, newCaller } from '../support/api.ts';
import { canonicalHash } from '../support/jcs.ts';
import { play } from './play.ts';
import { runs } from './runs.ts';
import { anyStep } from './steps.ts';

it('responds to any sequence of calls as its model does, and never with a 5xx', {
	timeout: 3_600_000,
}, async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 25 }), async (steps) => {
			// A user without an organization, and the same user in one.
			const alone = await newCaller();
			const inside = await newCaller({ userId: alone.userId, organizationId: 'org_1' });
			await play(steps, [alone, inside] satisfies Caller[], canonicalHash);
		}),
		runs(100),
	);
	expect.hasAssertions();
});

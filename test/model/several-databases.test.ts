import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Caller, newCaller } from '../support/api.ts';
import { canonicalHash } from '../support/jcs.ts';
import { FIVE, travelling } from '../support/several-databases.ts';
import { play } from './play.ts';
import { runs } from './runs.ts';
import { anyStep } from './steps.ts';

it('answers any sequence of calls from all continents, on five databases, as the model of one database does', {
	timeout: 3_600_000,
}, async () => {
	const fetcher = travelling();
	await fc.assert(
		fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 25 }), async (steps) => {
			const alone = await newCaller({ fetcher });
			const inside = await newCaller({ userId: alone.userId, organizationId: 'org_1', fetcher });
			await play(steps, [alone, inside] satisfies Caller[], canonicalHash, FIVE);
		}),
		runs(100),
	);
	expect.hasAssertions();
});

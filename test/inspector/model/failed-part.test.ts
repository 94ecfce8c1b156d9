import { describe, expect, it } from 'vitest';
import { failedPartIn } from '../../../src/inspector/model/failed-part.ts';

const found = (objects: { plan?: object; assemblyState?: object; prd?: object }) =>
	failedPartIn({
		prd: JSON.stringify(objects.prd ?? null),
		plan: JSON.stringify(objects.plan ?? null),
		productObject: 'null',
		assemblyState: JSON.stringify(objects.assemblyState ?? null),
	});

describe('a part of an object that has failed', () => {
	it('is found by its state, with its reason and its place', () => {
		const plan = { modules: { auth: { state: 'built' }, cart: { state: 'failed', error: 'No price.' } } };
		expect(found({ plan })).toEqual({ tab: 'plan', place: 'modules.cart of Plan', reason: 'No price.' });
		expect(found({ plan: { steps: [{ name: 'a' }, { name: 'b', status: 'CRASHED' }] } })).toEqual({
			tab: 'plan',
			place: 'steps.1 of Plan',
			reason: 'status: CRASHED',
		});
	});

	it('is the outermost one of the assembly state before that of the plan', () => {
		const failed = { state: 'failed', reason: 'inner' };
		expect(
			found({ plan: failed, assemblyState: { status: 'error', message: 'outer', parts: [failed] } }),
		).toEqual({ tab: 'assemblyState', place: 'Assembly state', reason: 'outer' });
	});

	it('is none where a word only says how something looks, or what it may become', () => {
		expect(found({ plan: { components: [{ name: 'Alert', state: 'error' }] } })).toBeUndefined();
		expect(found({ plan: { states: ['failed'], risks: [{ severity: 'critical' }] } })).toBeUndefined();
		expect(found({ prd: { status: 'rejected' } })).toBeUndefined();
		expect(found({})).toBeUndefined();
	});

	it('is looked for in so many parts at most', () => {
		const steps = Array.from({ length: 40_000 }, () => ({}));
		expect(found({ plan: { steps: [...steps, { state: 'failed' }] } })).toBeUndefined();
	});
});

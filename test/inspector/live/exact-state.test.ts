import { describe, expect, it } from 'vitest';
import { applied } from '../../../src/inspector/live/exact-state.ts';

const SNAPSHOT =
	'{"etag":"\\"1\\"","session":{"assemblyState":null,"plan":{"2":1.50,"1":{"x":1}},"prd":{"title":"a"},"productObject":null}}';

describe('the exact objects of a followed session', () => {
	it('begin with a snapshot', () => {
		expect(applied(undefined, 'snapshot', SNAPSHOT)).toEqual({
			assemblyState: 'null',
			plan: '{"2":1.50,"1":{"x":1}}',
			prd: '{"title":"a"}',
			productObject: 'null',
		});
	});

	it('keep the digits of numbers and the order of members through changes', () => {
		const objects = applied(undefined, 'snapshot', SNAPSHOT);
		const change =
			'{"etag":"\\"2\\"","previous":"\\"1\\"","set":{"status":"failed","productObject":{"n":12345678901234567890}},"merge":{"plan":{"1":{"x":null,"y":0.10}},"assemblyState":{"a":1}}}';
		expect(applied(objects, 'change', change)).toEqual({
			assemblyState: '{"a":1}',
			plan: '{"2":1.50,"1":{"y":0.10}}',
			prd: '{"title":"a"}',
			productObject: '{"n":12345678901234567890}',
		});
	});

	it('stay with other frames', () => {
		expect(applied(undefined, 'event', '{}')).toBeUndefined();
		expect(applied(undefined, 'change', '{}')).toBeUndefined();
	});
});

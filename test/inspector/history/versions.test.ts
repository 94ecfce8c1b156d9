import { describe, expect, it } from 'vitest';
import type { Version } from '../../../src/client/client.ts';
import {
	statusesIn,
	versionAfter,
	versionsOf,
	withVersions,
} from '../../../src/inspector/history/versions.ts';

const eventId = (position: number) => `evt_${String(position).padStart(10, '0')}${'0'.repeat(20)}`;
const version = (
	number: number,
	changed: Version['changed'],
	afterEvent: number | null,
	status: Version['status'] = 'intake',
): Version => ({
	afterEvent: afterEvent === null ? null : eventId(afterEvent),
	changed,
	etag: `"${number}"`,
	status,
	updatedAt: new Date(number * 1000).toISOString(),
	version: number,
});
const VERSIONS = [
	version(1, [], null),
	version(2, ['plan'], 3),
	version(3, ['status'], 3, 'generating'),
	version(4, ['plan', 'status'], 8, 'complete'),
];

describe('the versions of a session', () => {
	it('are in order, however they were read', () => {
		const [one, two, three] = VERSIONS as [Version, Version, Version];
		expect(withVersions([two], [three, two, one]).map((each) => each.version)).toEqual([1, 2, 3]);
	});

	it('are those in which an object changed, and the first one', () => {
		expect(versionsOf(VERSIONS, 'plan').map((each) => each.version)).toEqual([1, 2, 4]);
		expect(versionsOf(VERSIONS, 'prd').map((each) => each.version)).toEqual([1]);
	});

	it('are found by the event before them', () => {
		const after = [1, 3, 5, 8, 9].map((position) => versionAfter(VERSIONS, position)?.version);
		expect(after).toEqual([1, 3, 3, 4, 4]);
		expect(versionAfter([version(5, [], 7)], 2)).toBeUndefined();
	});

	it('tell when each status came, the first one from when the session was created', () => {
		expect(statusesIn(VERSIONS, new Date(500).toISOString())).toEqual([
			{ status: 'intake', time: 500 },
			{ status: 'generating', time: 3000 },
			{ status: 'complete', time: 4000 },
		]);
	});
});

import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/client/client.ts';
import { ticksOf, timelineOf } from '../../../src/inspector/session/timeline-layout.ts';

const at = (milliseconds: number, stage: string | null): Event => ({
	createdAt: new Date(milliseconds).toISOString(),
	id: `evt_${milliseconds}`,
	message: null,
	organizationId: null,
	payload: {},
	sessionId: 'sess_1',
	stage,
	type: 'step',
	userId: 'user_1',
});

describe('the timeline', () => {
	it('has a lane for each stage, in which the time until the next event is spent', () => {
		const events = [at(0, 'plan'), at(10, 'plan'), at(30, 'build'), at(100, 'plan'), at(110, null)];
		const { lanes, from, to, longest } = timelineOf(events, 150);
		expect([from, to]).toEqual([0, 150]);
		expect(lanes).toEqual([
			{
				stage: 'plan',
				times: [0, 10, 100],
				stretches: [
					{ from: 0, to: 30 },
					{ from: 100, to: 110 },
				],
				spentMs: 40,
			},
			{ stage: 'build', times: [30], stretches: [{ from: 30, to: 100 }], spentMs: 70 },
			{ stage: null, times: [110], stretches: [{ from: 110, to: 150 }], spentMs: 40 },
		]);
		expect(longest).toEqual({ stage: 'build', from: 30, to: 100 });
	});

	it('leaves out what was before its start', () => {
		const { lanes, from } = timelineOf([at(0, 'plan'), at(50, 'build')], 60, 40);
		expect(from).toBe(50);
		expect(lanes.map(({ stage }) => stage)).toEqual(['build']);
	});

	it('goes on when a clock went back', () => {
		const { lanes } = timelineOf([at(100, 'plan'), at(50, 'build')], 0);
		expect(lanes.map(({ spentMs }) => spentMs)).toEqual([0, 0]);
	});

	it('is empty without events', () => {
		expect(timelineOf([], 5)).toEqual({ lanes: [], from: 5, to: 5, longest: undefined });
	});

	it('has round ticks, and no more than fit', () => {
		expect(ticksOf(1000, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
		expect(ticksOf(90_000, 8)).toEqual([0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000]);
		expect(ticksOf(0, 5)).toEqual([0]);
		for (const length of [1, 999, 61_000, 7_200_000, 86_400_000, 30 * 86_400_000]) {
			expect(ticksOf(length, 6).length).toBeLessThanOrEqual(7);
		}
	});
});

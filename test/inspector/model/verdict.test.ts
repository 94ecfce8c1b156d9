import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/client/client.ts';
import { seenFrom } from '../../../src/inspector/model/seen.ts';
import { stagesOf } from '../../../src/inspector/model/stages.ts';
import { nextFailure, verdictOf } from '../../../src/inspector/model/verdict.ts';

const seen = (told: readonly (readonly [time: number, stage: string | null, type: string])[]) =>
	told.map(([time, stage, type], index) => {
		const event: Event = {
			createdAt: new Date(time).toISOString(),
			id: `evt_${String(index + 1).padStart(10, '0')}`,
			message: null,
			organizationId: null,
			payload: {},
			sessionId: 'sess_1',
			stage,
			type,
			userId: 'user_1',
		};
		return seenFrom(event);
	});
const EVENTS = seen([
	[0, 'build:auth', 'module.started'],
	[10, 'build:web', 'module.started'],
	[20, 'build:web', 'module.failed'],
	[30, 'build:auth', 'module.built'],
	[40, 'build:web', 'module.started'],
	[50, 'build:mail', 'module.started'],
]);
const judge = (
	events: typeof EVENTS,
	status: 'generating' | 'complete',
	now: number | undefined,
	changedAt?: number,
) => verdictOf(stagesOf(events, undefined).lanes, events, status, now, changedAt);

describe('the verdict', () => {
	it('takes events without a stage for no stage that is at work', () => {
		const events = seen([
			[0, 'intake', 'received'],
			[10, null, 'note'],
		]);
		expect(judge(events, 'generating', 60).active).toEqual([]);
	});

	it('does not say how long a stage is at work while the page is not up to date', () => {
		expect(judge(EVENTS, 'generating', 60).active.map(({ spentMs }) => spentMs)).toEqual([10, 30]);
		expect(judge(EVENTS, 'generating', undefined).active.map(({ spentMs }) => spentMs)).toEqual([
			undefined,
			undefined,
		]);
	});

	it('names the stages at work, the latest first, and how many have ended well', () => {
		const { active, progress } = judge(EVENTS, 'generating', 60);
		expect(active.map(({ lane, span }) => `${lane.stage} #${span.attempt}`)).toEqual([
			'build:mail #1',
			'build:web #2',
		]);
		expect(progress).toEqual({ done: 1, of: 3, word: 'built' });
	});

	it('counts a stage that goes on after a failure, without another start', () => {
		const events = seen([
			[0, 'bake:castle', 'asset.enter'],
			[1, 'bake:knight', 'asset.enter'],
			[2, 'bake:dragon', 'asset.enter'],
			[3, 'bake:castle', 'asset.leave'],
			[4, 'bake:knight', 'asset.leave'],
			[5, 'bake:dragon', 'asset.crashed'],
			[6, 'bake:dragon', 'asset.restored'],
		]);
		expect(judge(events, 'generating', 7).progress).toEqual({ done: 2, of: 3, word: 'done' });
	});

	it('counts nothing when all is over and nothing told how it ended', () => {
		const events = seen([
			[0, 'a', 'module.started'],
			[5, 'b', 'module.started'],
		]);
		expect(judge(events, 'generating', 60).progress).toEqual({ done: 0, of: 2, word: 'done' });
		expect(judge(events, 'complete', 60).progress).toBeUndefined();
	});

	it('says how long nothing has happened, and warns when that is long', () => {
		expect(judge(EVENTS, 'generating', 4050)).toMatchObject({ sinceMs: 4000, isQuiet: false });
		expect(judge(EVENTS, 'generating', 304_050)).toMatchObject({ sinceMs: 304_000, isQuiet: true });
		// The clocks of two machines may differ.
		expect(judge(EVENTS, 'generating', 0).sinceMs).toBe(0);
	});

	it('takes a change of the session for a sign of life, and names it when it came well after the latest event', () => {
		expect(judge(EVENTS, 'generating', 304_050, 300_050)).toMatchObject({
			sinceMs: 4000,
			isQuiet: false,
			isOfChange: true,
		});
		// A program that tells of something and writes it has done one thing.
		expect(judge(EVENTS, 'generating', 4050, 60)).toMatchObject({ sinceMs: 3990, isOfChange: false });
		expect(judge([], 'generating', 45_000, 10_000)).toMatchObject({
			sinceMs: 35_000,
			isQuiet: true,
			isOfChange: true,
		});
		expect(judge([], 'generating', 45_000)).toMatchObject({ sinceMs: undefined, isQuiet: false });
	});

	it('says nothing of it when the page is not up to date, or the session is over', () => {
		expect(judge(EVENTS, 'generating', undefined)).toMatchObject({ sinceMs: undefined, isQuiet: false });
		expect(judge(EVENTS, 'complete', 304_050)).toMatchObject({ sinceMs: undefined, isQuiet: false });
	});

	it('knows whether a later attempt ended well', () => {
		expect(judge(EVENTS, 'generating', 60).failures).toMatchObject({ isRecovered: false });
		const later = seen([
			[0, 'build:web', 'module.started'],
			[20, 'build:web', 'module.failed'],
			[40, 'build:web', 'module.started'],
			[90, 'build:web', 'module.built'],
		]);
		expect(judge(later, 'generating', 100).failures).toMatchObject({ isRecovered: true });
	});
});

describe('the next failure', () => {
	const failures = seen([
		[0, 'a', 'a.failed'],
		[1, 'a', 'b.failed'],
	]);
	const [first, second] = failures;

	it('is the one after a place in the log, and the first one after the last', () => {
		expect(nextFailure(failures, undefined, 1)).toBe(first);
		expect(nextFailure(failures, first, 1)).toBe(second);
		expect(nextFailure(failures, second, 1)).toBe(first);
		expect(nextFailure(failures, second, -1)).toBe(first);
		expect(nextFailure(failures, undefined, -1)).toBe(second);
		expect(nextFailure([], first, 1)).toBeUndefined();
	});
});

import { describe, expect, it } from 'vitest';
import { MAX_WAITING } from '../../src/following/backlog.ts';
import { newLiveState, type Snapshot, type StateFrames } from '../../src/following/state-frames.ts';

const START = 1_000_000;
const stateAt = (version: number) => ({
	id: 'sess_1',
	status: 'intake',
	version,
	expiresAt: '',
	updatedAt: '',
});
const change = (version: number, { tail = 0, frames = `<${version}>` } = {}) => ({ version, tail, frames });
const snapshot = (version: number, tail = 0): Snapshot => ({
	state: stateAt(version),
	tail,
	frames: `[${version}]`,
});

/** What a client gets that has the events up to a position. */
function taken(live: StateFrames, newest: number, position = 0): string {
	let text = '';
	for (
		let frames = live.take(stateAt(newest), position);
		frames;
		frames = live.take(stateAt(newest), position)
	)
		text += frames;
	return text;
}

/** A client that has a snapshot of version 1. */
function begun(): StateFrames {
	const live = newLiveState();
	live.addSnapshot(snapshot(1));
	expect(taken(live, 1)).toBe('[1]');
	return live;
}

describe('changes', () => {
	it('are taken in the order of their versions, each once', () => {
		const live = begun();
		for (const version of [3, 2, 4, 2, 3]) live.addChange(change(version));
		expect(taken(live, 4)).toBe('<2><3><4>');
		live.addChange(change(3));
		expect(taken(live, 4)).toBe('');
	});

	it('wait for the events that were appended before them', () => {
		const live = begun();
		live.addChange(change(2, { tail: 5 }));
		expect(taken(live, 2, 4)).toBe('');
		expect(live.snapshotDueAt(stateAt(2), START)).toBe(Number.POSITIVE_INFINITY);
		expect(taken(live, 2, 5)).toBe('<2>');
	});

	it('before the first snapshot are taken after it, if it does not include them', () => {
		const live = newLiveState();
		for (const version of [2, 3, 4]) live.addChange(change(version));
		expect(taken(live, 4)).toBe('');
		live.addSnapshot(snapshot(3));
		expect(taken(live, 4)).toBe('[3]<4>');
	});

	it('are taken in time in proportion to their number', () => {
		const live = begun();
		const count = 20_000;
		for (let version = count; version > 1; version -= 1) live.addChange(change(version, { frames: 'x' }));
		let calls = 0;
		let length = 0;
		for (let frames = live.take(stateAt(count), 0); frames; frames = live.take(stateAt(count), 0)) {
			calls += 1;
			length += frames.length;
		}
		expect([calls, length]).toEqual([1, count - 1]);
	});
});

describe('a snapshot is due', () => {
	it('at once for a client without one', () => {
		expect(newLiveState().snapshotDueAt(stateAt(1), START)).toBe(START);
	});

	it('0.3 s after a change was missing, unless it comes', () => {
		const live = begun();
		live.addChange(change(3));
		expect(live.snapshotDueAt(stateAt(3), START)).toBe(START + 300);
		expect(live.snapshotDueAt(stateAt(3), START + 200)).toBe(START + 300);
		live.addChange(change(2));
		expect(live.snapshotDueAt(stateAt(3), START + 250)).toBe(Number.POSITIVE_INFINITY);
		expect(taken(live, 3)).toBe('<2><3>');
		expect(live.snapshotDueAt(stateAt(4), START + 900)).toBe(START + 1200);
	});

	it('at once after a change that was too large for a notice, or for which there was no room', () => {
		const large = begun();
		large.addChange(change(2, { frames: '' }));
		expect(large.snapshotDueAt(stateAt(2), START)).toBe(START);
		const full = begun();
		full.addChange(change(2, { frames: 'x'.repeat(MAX_WAITING) }));
		full.addChange(change(3));
		expect(full.snapshotDueAt(stateAt(3), START)).toBe(START);
	});

	it('not again while one waits for its events, and it replaces only older states', () => {
		const live = begun();
		live.addChange(change(3));
		live.addSnapshot(snapshot(3, 9));
		expect(live.snapshotDueAt(stateAt(3), START)).toBe(Number.POSITIVE_INFINITY);
		expect(taken(live, 3, 8)).toBe('');
		live.addChange(change(2));
		expect(taken(live, 3, 8)).toBe('<2><3>');
		expect(taken(live, 3, 9)).toBe('');
	});
});

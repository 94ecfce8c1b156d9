import { expect, it } from 'vitest';
import { sharedSnapshot } from '../../src/following/shared-snapshots.ts';
import type { Snapshot } from '../../src/following/state-frames.ts';

const snapshot = (version: number, frames = 'x'): Snapshot => ({
	state: { id: 'sess_1', status: 'intake', version, expiresAt: '', updatedAt: '' },
	tail: 0,
	frames,
});
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it('reads once for all who need a version at the same time, and again for a later version', async () => {
	const id = crypto.randomUUID();
	let reads = 0;
	const read = async () => {
		reads += 1;
		await pause(20);
		return snapshot(6 + reads);
	};
	const all = await Promise.all(Array.from({ length: 50 }, () => sharedSnapshot(id, 7, read)));
	expect(new Set(all).size).toBe(1);
	expect(await sharedSnapshot(id, 5, read)).toBe(all[0]);
	expect(reads).toBe(1);
	expect((await sharedSnapshot(id, 8, read))?.state.version).toBe(8);
	expect(reads).toBe(2);
});

it('does not wait for ever for a reader that was cancelled', async () => {
	const id = crypto.randomUUID();
	void sharedSnapshot(id, 1, () => new Promise(() => {}));
	expect(await sharedSnapshot(id, 1, async () => snapshot(1))).toEqual(snapshot(1));
});

it('lets the next one read when a read fails, or finds no session', async () => {
	const id = crypto.randomUUID();
	const failing = sharedSnapshot(id, 1, async () => {
		throw new Error('no database');
	});
	const other = sharedSnapshot(id, 1, async () => undefined);
	await expect(failing).rejects.toThrow('no database');
	expect(await other).toBeUndefined();
	expect(await sharedSnapshot(id, 1, async () => snapshot(1))).toEqual(snapshot(1));
});

it('keeps at most some megabytes', async () => {
	const frames = 'x'.repeat(1_600_000);
	const ids = Array.from({ length: 6 }, () => crypto.randomUUID());
	for (const id of ids) await sharedSnapshot(id, 1, async () => snapshot(1, frames));
	let reads = 0;
	for (const id of ids.toReversed()) {
		await sharedSnapshot(id, 1, async () => {
			reads += 1;
			return snapshot(1, '');
		});
	}
	expect(reads).toBe(1);
});

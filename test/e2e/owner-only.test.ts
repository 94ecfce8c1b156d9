import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepForOwner } from '../../scripts/owner-only.ts';
import { withFolder } from '../support/server.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it('takes the permissions of others from a folder and what is in it, and leaves those of the owner', () =>
	withFolder(async (folder) => {
		const inside = join(folder, 'in');
		const script = join(inside, 'script');
		const outside = join(folder, 'outside');
		mkdirSync(inside);
		for (const file of [script, outside]) writeFileSync(file, '');
		symlinkSync(outside, join(inside, 'link'));
		for (const path of [inside, script]) chmodSync(path, 0o755);
		chmodSync(outside, 0o644);
		keepForOwner(inside);
		expect([modeOf(inside), modeOf(script), modeOf(outside)]).toEqual(['700', '700', '644']);
	}));

it('does nothing where there is nothing', () =>
	withFolder(async (folder) => expect(() => keepForOwner(join(folder, 'none'))).not.toThrow()));

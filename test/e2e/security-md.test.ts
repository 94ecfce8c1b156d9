import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/server.ts';

it('SECURITY.md names only tests that exist', () => {
	const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
	const named = new Set(text.match(/test\/[\w/-]+\.test\.ts/g));
	expect(named.size).toBeGreaterThan(10);
	expect([...named].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

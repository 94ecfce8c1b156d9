import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { expectHolds, PRINTING, programWith, runCommand } from '../support/client-runtimes.ts';
import { type Server, startServer } from '../support/server.ts';

const APPENDS = 300;
const NODE = `node-${process.platform}-${process.arch}`;
/** Further runtimes, from npm. They are too large to be installed with the project. */
const PACKAGES = ['bun@1.4.5', 'deno@2.9.6', `node-20@npm:${NODE}@20.9.0`, `node-22@npm:${NODE}@22.0.0`];

let server: Server;
let folder: string;
beforeAll(async () => {
	server = await startServer();
	folder = mkdtempSync(join(tmpdir(), 'runtimes-'));
	writeFileSync(join(folder, 'package.json'), '{"private":true}');
	const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', ...PACKAGES];
	await promisify(execFile)('npm', install, { cwd: folder });
	writeFileSync(join(folder, 'program.mjs'), await programWith(PRINTING));
}, 300_000);
afterAll(async () => {
	await server.close();
	rmSync(folder, { recursive: true, force: true });
});

describe('over a network that loses, cuts, splits, delays and answers in place of the service, the client holds', () => {
	it.each([
		['Bun', 'node_modules/.bin/bun', [], true],
		['Deno', 'node_modules/.bin/deno', ['run', '--allow-net'], false],
		['the first Node 22', 'node_modules/node-22/bin/node', [], true],
		['an early Node 20', 'node_modules/node-20/bin/node', [], true],
	])('in %s', async (_, command, args, tellsUnsent) => {
		await expectHolds(server, { appends: APPENDS, tellsUnsent }, (task) =>
			runCommand(join(folder, command), [...args, join(folder, 'program.mjs')], task),
		);
	});
});

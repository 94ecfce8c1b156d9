import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect } from 'vitest';
import { type BadNetwork, badNetwork, FAULTS, STREAM_CUTS } from './bad-network/proxy.ts';
import type { Report, Task } from './client-program.ts';
import { ROOT, type Server } from './server.ts';
import { until } from './until.ts';

const FAULT_RATE = 0.35;

/** Bundles the program with code that starts it. */
export async function programWith(start: string): Promise<string> {
	const { outputFiles } = await build({
		stdin: {
			contents: `import { run } from './client-program.ts';\n${start}`,
			resolveDir: join(ROOT, 'test/support'),
			loader: 'ts',
		},
		bundle: true,
		format: 'esm',
		platform: 'neutral',
		mainFields: ['module', 'main'],
		external: ['node:process'],
		target: 'es2022',
		write: false,
	});
	return outputFiles[0]?.text ?? '';
}

/** Starts the program in a process that gets the task as its argument and prints the report. */
export const PRINTING = `import { argv } from 'node:process';
console.log(JSON.stringify(await run(JSON.parse(argv.at(-1)))));`;

/** Runs a bundle that prints with a command. */
export async function runCommand(command: string, args: readonly string[], task: Task): Promise<Report> {
	const { stdout } = await promisify(execFile)(command, [...args, JSON.stringify(task)]);
	return JSON.parse(stdout) as Report;
}

/** A URL where nothing listens: the port was free a moment ago. */
async function nowhere(): Promise<string> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return `http://127.0.0.1:${port}`;
}

/**
 * Runs the program in a runtime, over a network that loses, cuts, splits and delays, and answers in place of the service.
 * Expects that every event is stored and followed once and in order, and that no stream is left open.
 */
export async function expectHolds(
	server: Server,
	{ appends, tellsUnsent }: { appends: number; tellsUnsent: boolean },
	start: (task: Task, proxy: BadNetwork) => Promise<Report>,
): Promise<void> {
	const proxy = await badNetwork(server.url, { faultRate: FAULT_RATE, streamCuts: 5 });
	// Nothing is lost on the way to this one. It only counts the streams that are open.
	const steady = await badNetwork(server.url, { faultRate: 0, streamCuts: 0 });
	try {
		const task = {
			shaky: proxy.url,
			steady: steady.url,
			token: await server.newKey(),
			nowhere: await nowhere(),
			appends,
		};
		const report = await start(task, steady).catch((error) => {
			throw new AggregateError([error, ...steady.failures], `The program has failed: ${error}`);
		});
		const numbers = Array.from({ length: appends }, (_, number) => number);
		expect([...report.stored].sort((a, b) => a - b)).toEqual(numbers);
		expect(report.followed).toEqual(report.stored);
		expect(report.watched).toEqual(report.stored);
		expect(report.nowhere).toBe(tellsUnsent ? 'NETWORK_ERROR' : 'OUTCOME_UNKNOWN');
		expect(report.relays).toBe(10);
		expect([...proxy.counts.keys()].toSorted()).toEqual([...FAULTS, ...STREAM_CUTS].toSorted());
		await until(() => expect(steady.openStreams()).toBe(0));
	} finally {
		await proxy.close();
		await steady.close();
	}
}

import { vi } from 'vitest';

/** Thrown in place of process.exit, to end a script where its process would end. */
const EXIT = Symbol('exit');

/**
 * Runs a script with arguments in this process, which saves the second that a new process takes to start. `load`
 * imports the script, which must be evaluated anew each time.
 */
export async function runHere(
	load: () => Promise<unknown>,
	...args: string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
	const { argv } = process;
	let [status, stdout, stderr] = [0, '', ''];
	const spies = [
		vi.spyOn(console, 'log').mockImplementation((text) => {
			stdout += `${text}\n`;
		}),
		vi.spyOn(console, 'error').mockImplementation((text) => {
			stderr += `${text}\n`;
		}),
		vi.spyOn(process, 'exit').mockImplementation((code) => {
			status = Number(code ?? 0);
			throw EXIT;
		}),
	];
	process.argv = [...argv.slice(0, 2), ...args];
	vi.resetModules();
	try {
		await load();
	} catch (error) {
		if (error !== EXIT) throw error;
	} finally {
		process.argv = argv;
		for (const spy of spies) spy.mockRestore();
	}
	return { status, stdout, stderr };
}

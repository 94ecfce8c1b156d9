import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The ids of the workerd processes that this process has started. */
export const workerdProcesses = (): number[] =>
	spawnSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
		.stdout.split('\n')
		.map((line) => line.trim().split(/\s+/))
		.filter(([, parent, command]) => Number(parent) === process.pid && command?.endsWith('workerd'))
		.map(([pid]) => Number(pid));

/** The resident size of a process in bytes. Linux only. */
function residentSize(pid: number): number {
	const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
	return Number(kilobytes) * 1024;
}

/** Runs `work`, and returns by how many bytes the resident size of the processes together exceeds `idle` at most. */
export async function peakAbove(
	idle: number,
	processes: readonly number[],
	work: () => Promise<unknown>,
): Promise<number> {
	let peak = 0;
	const timer = setInterval(() => {
		peak = Math.max(peak, sizeOf(processes));
	}, 10);
	try {
		await work();
	} finally {
		clearInterval(timer);
	}
	return peak - idle;
}

export const sizeOf = (processes: readonly number[]): number =>
	processes.reduce((sum, pid) => sum + residentSize(pid), 0);

import { memoryOf } from '../../bench/workerd.ts';

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

/** The resident size of the processes together, in bytes. NaN where the system does not report it. */
export const sizeOf = (processes: readonly number[]): number =>
	processes.reduce((sum, pid) => sum + (memoryOf(pid, 'VmRSS') ?? Number.NaN), 0);

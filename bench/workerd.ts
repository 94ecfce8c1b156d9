import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** The ids of the workerd processes that this process has started. None on systems that do not report it. Linux does. */
export function workerdProcesses(): number[] {
	if (!existsSync('/proc')) return [];
	return readdirSync('/proc').map(Number).filter(isOwnWorkerd);
}

function isOwnWorkerd(pid: number): boolean {
	try {
		const [, name, parent] = /\((.*)\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
		return name === 'workerd' && Number(parent) === process.pid;
	} catch {
		// No process, or one that has ended.
		return false;
	}
}

/** The current or the peak resident size of a process in bytes; null on systems that do not report it. Linux does. */
export function memoryOf(pid: number, line: 'VmRSS' | 'VmHWM'): number | null {
	try {
		const status = readFileSync(`/proc/${pid}/status`, 'utf8');
		const kilobytes = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
		return kilobytes === undefined ? null : Number(kilobytes) * 1024;
	} catch {
		return null;
	}
}

/** Linux counts the time of all threads in hundredths of a second (USER_HZ). */
export function processorTimeOf(pid: number): number | null {
	try {
		// The second field is the command in brackets; after it, user and system time are the 12th and 13th.
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
			.replace(/^.*\) /, '')
			.split(' ');
		return (Number(fields[11]) + Number(fields[12])) * 10;
	} catch {
		return null;
	}
}

/**
 * The time of the thread that runs the Workers and their databases, in milliseconds: Linux counts it in nanoseconds. Null on
 * systems that do not report it.
 */
export function mainThreadTimeOf(pid: number): number | null {
	try {
		return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
	} catch {
		return null;
	}
}

/** How long the current thread has waited for a processor, in milliseconds; 0 on systems that do not report it. Linux does. */
export function waitOfThread(): number {
	try {
		return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
	} catch {
		return 0;
	}
}

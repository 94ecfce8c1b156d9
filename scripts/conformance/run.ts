import { accessChecks } from './access.ts';
import { type Check, newProbe, type Probe } from './check.ts';
import { eventChecks } from './events.ts';
import { Deviation } from './expect.ts';
import { listChecks } from './lists.ts';
import { type Server, send } from './server.ts';
import { sessionChecks } from './sessions.ts';

export interface Result {
	id: string;
	title: string;
	status: 'passed' | 'failed' | 'skipped';
	/** Why it failed or was skipped. */
	message?: string;
}

/** Every check, in the order in which it runs. */
export const checks: Check[] = [...accessChecks, ...sessionChecks, ...listChecks, ...eventChecks];

/**
 * Runs the chosen checks, by default all, one after another. Passes each result to `tell`, and deletes the sessions
 * that the checks created. An abort ends the run after the current check. Returns all results, and the ids of the
 * sessions that could not be deleted.
 */
export async function run(
	server: Server,
	{
		isReadonly,
		tell,
		signal,
		chosen = checks,
	}: {
		isReadonly: boolean;
		tell: (result: Result) => void;
		signal?: AbortSignal;
		chosen?: readonly Check[];
	},
): Promise<{ results: Result[]; left: string[] }> {
	const { probe, made } = newProbe(server);
	const results: Result[] = [];
	for (const check of chosen) {
		if (signal?.aborted) break;
		const result =
			isReadonly && !check.isReadonly
				? { id: check.id, title: check.title, status: 'skipped' as const, message: 'writes' }
				: await resultOf(check, probe);
		results.push(result);
		tell(result);
	}
	return { results, left: await deleted(server, made) };
}

async function resultOf(check: Check, probe: Probe): Promise<Result> {
	const { id, title } = check;
	try {
		const skipped = await check.run(probe);
		return skipped === undefined
			? { id, title, status: 'passed' }
			: { id, title, status: 'skipped', message: skipped };
	} catch (error) {
		if (error instanceof Deviation) return { id, title, status: 'failed', message: error.message };
		// A response that makes the check itself throw is a failure too.
		const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
		return { id, title, status: 'failed', message: `${error}${cause}` };
	}
}

/** Deletes sessions. Returns the ids of those that still exist. */
async function deleted(server: Server, made: Iterable<string>): Promise<string[]> {
	const left: string[] = [];
	for (const id of made) {
		const status = await send(server, 'DELETE', { path: `/${id}` }).then(
			(answer) => answer.status,
			() => 0,
		);
		if (status !== 404 && !(status >= 200 && status < 300)) left.push(id);
	}
	return left;
}

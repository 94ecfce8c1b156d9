import { type Check, type Extension, newProbe, type Probe, type Profile, pathOf } from './check.ts';
import { Deviation } from './expect.ts';
import { checksOfExtension } from './extensions/groups.ts';
import * as referenceAccess from './reference/access.ts';
import * as referenceEvents from './reference/events.ts';
import * as referenceLists from './reference/lists.ts';
import * as referenceSessions from './reference/sessions.ts';
import { type Server, send } from './server.ts';
import * as strictAccess from './strict/access.ts';
import * as strictEvents from './strict/events.ts';
import * as strictLists from './strict/lists.ts';
import * as strictSessions from './strict/sessions.ts';
import { updateChecks } from './strict/updates.ts';

export interface Result {
	id: string;
	/** The statement that the check proves: see Check. */
	proves: string;
	title: string;
	status: 'passed' | 'failed' | 'skipped';
	/** Why it failed or was skipped. */
	message?: string;
}

const ofReference: Check[] = [
	...referenceAccess.accessChecks,
	...referenceSessions.sessionChecks,
	...referenceLists.listChecks,
	...referenceEvents.eventChecks,
];
const onlyStrict: Check[] = [
	...strictAccess.accessChecks,
	...strictSessions.sessionChecks,
	...updateChecks,
	...strictLists.listChecks,
	...strictEvents.eventChecks,
];

/** The checks of each profile, in the order in which they run. */
export const checksOf: Readonly<Record<Profile, readonly Check[]>> = {
	reference: ofReference,
	strict: [...ofReference, ...onlyStrict],
};

/** The checks of extensions. A check that needs one which was not chosen is skipped. */
export const checksOfExtensions = (chosen: readonly Extension[]): Check[] =>
	chosen
		.flatMap((extension) => checksOfExtension[extension])
		.map((check) => {
			const missing = check.needs?.find((each) => !chosen.includes(each));
			return missing === undefined ? check : { ...check, run: async () => `needs the extension ${missing}` };
		});

/**
 * Runs the chosen checks one after another. Passes each result to `tell`, and deletes the sessions
 * that the checks created. An abort ends the run after the current check. Returns all results, and the ids of the
 * sessions that could not be deleted.
 */
export async function run(
	server: Server,
	{
		isReadonly,
		tell,
		signal,
		chosen,
	}: {
		isReadonly: boolean;
		tell: (result: Result) => void;
		signal?: AbortSignal;
		chosen: readonly Check[];
	},
): Promise<{ results: Result[]; left: string[] }> {
	const { probe, made, streams } = newProbe(server);
	const results: Result[] = [];
	for (const check of chosen) {
		if (signal?.aborted) break;
		const result =
			isReadonly && !check.isReadonly
				? { ...described(check), status: 'skipped' as const, message: 'writes' }
				: await resultOf(check, probe);
		for (const stream of streams) await stream.leave();
		streams.clear();
		results.push(result);
		tell(result);
	}
	return { results, left: await deleted(server, made) };
}

const described = ({ id, proves, title }: Check) => ({ id, proves, title });

async function resultOf(check: Check, probe: Probe): Promise<Result> {
	const about = described(check);
	try {
		const skipped = await check.run(probe);
		return skipped === undefined
			? { ...about, status: 'passed' }
			: { ...about, status: 'skipped', message: skipped };
	} catch (error) {
		if (error instanceof Deviation) return { ...about, status: 'failed', message: error.message };
		// A response that makes the check itself throw is a failure too.
		const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
		return { ...about, status: 'failed', message: `${error}${cause}` };
	}
}

/** Deletes sessions. Returns the ids of those that still exist. */
async function deleted(server: Server, made: Iterable<string>): Promise<string[]> {
	const left: string[] = [];
	for (const id of made) {
		const status = await send(server, 'DELETE', { path: pathOf(id) }).then(
			(answer) => answer.status,
			() => 0,
		);
		if (status !== 404 && !(status >= 200 && status < 300)) left.push(id);
	}
	return left;
}

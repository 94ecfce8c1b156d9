import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import { Dialog, Problem, useAction } from '../components.tsx';
import { JsonReader, JsonText } from '../json/json.tsx';
import { changesBetween } from '../json/patch.ts';
import { pretty } from '../json/text.ts';
import type { ObjectName } from '../model/object-names.ts';
import { Changes } from '../objects/changes.tsx';
import { type Connect, wordsFor } from '../service.ts';
import { keptVersion, readVersion } from './read-version.ts';
import type { Looking } from './slider.tsx';

const layout = (json: string): string => (json === 'null' ? '{}' : pretty(json));

/** An object as it was at a version, and how it differs from another one. */
export function PastObject({
	connect,
	id,
	name,
	title,
	present,
	versions,
	looking: { version, against },
}: {
	connect: Connect;
	id: string;
	name: ObjectName;
	title: string;
	/** The object as it is now. */
	present: string;
	versions: readonly Version[];
	looking: Looking & { version: number };
}) {
	const previous = versions.findLast((each) => each.version < version)?.version;
	const shown = useVersion(connect, id, version, name);
	const compared = against === 'before' ? previous : against;
	const other = useVersion(connect, id, typeof compared === 'number' ? compared : undefined, name);
	const problem = shown.problem ?? other.problem;
	const isFromOther = against === 'before' || (typeof against === 'number' && against < version);
	const otherJson = against === 'now' ? present : compared === undefined ? 'null' : other.json;
	const [from, to] = isFromOther ? [otherJson, shown.json] : [shown.json, otherJson];
	const changes = useMemo(
		() =>
			against === 'nothing' || from === undefined || to === undefined
				? undefined
				: changesBetween(from === 'null' ? '{}' : from, to === 'null' ? '{}' : to),
		[against, from, to],
	);
	if (problem !== undefined) return <p class="problem">{problem}</p>;
	if (shown.json === undefined) return <p class="hint">Reading version {version}…</p>;
	return (
		<>
			{changes && <Changes changes={changes} />}
			{shown.json === 'null' ? (
				<p class="hint">There was none at this version.</p>
			) : changes && isFromOther && from !== undefined ? (
				<JsonText
					key={`${version} ${from.length}`}
					label={`${title} at version ${version}`}
					text={layout(shown.json)}
					before={layout(from)}
				/>
			) : (
				<JsonReader key={version} label={`${title} at version ${version}`} text={layout(shown.json)} />
			)}
		</>
	);
}

/** An object at a version, read when it is asked for. */
function useVersion(
	connect: Connect,
	id: string,
	version: number | undefined,
	name: ObjectName,
): { json: string | undefined; problem: string | undefined } {
	const [, setRead] = useState<number>();
	const [problem, setProblem] = useState<string>();
	useEffect(() => {
		setProblem(undefined);
		if (version === undefined) return;
		const stop = new AbortController();
		// Whoever drags the slider passes by many versions.
		const timer = setTimeout(() => {
			readVersion(connect, id, version, name, stop.signal).then(
				() => setRead(version),
				(error) => {
					if (!stop.signal.aborted) setProblem(wordsFor(error));
				},
			);
		}, 80);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [connect, id, version, name]);
	return { json: version === undefined ? undefined : keptVersion(id, version, name), problem };
}

/** Goes on from a version: in this session, or in a new one. */
export function GoOn({
	connect,
	id,
	version,
	mayFork,
	onDone,
}: {
	connect: Connect;
	id: string;
	version: number;
	/** A key for one session, or one that may only read, can make none. */
	mayFork: boolean;
	/** `sessionId` is that of the new session. */
	onDone: (sessionId: string) => void;
}) {
	const [isAsking, setAsking] = useState(false);
	const action = useAction();
	const [mistake, setMistake] = useState<string>();
	async function restore(): Promise<void> {
		try {
			await connect().restore(id, version);
		} catch (error) {
			// The client refuses what a merge cannot write.
			if (!(error instanceof TypeError)) throw error;
			return setMistake(error.message);
		}
		setAsking(false);
		onDone(id);
	}
	if (!mayFork) return null;
	return (
		<>
			<button type="button" onClick={() => setAsking(true)}>
				Restore
			</button>
			<button
				type="button"
				aria-disabled={action.isRunning}
				onClick={() => action.run(async () => onDone((await connect().fork(id, { version })).id))}
			>
				Fork
			</button>
			{!isAsking && action.problem && <Problem text={action.problem} />}
			{isAsking && (
				<Dialog title={`Restore version ${version}?`} onClose={() => setAsking(false)}>
					<p>
						The status and the four objects become as they were. This makes a new version, and nothing is
						lost: the events and the other versions stay.
					</p>
					<Problem text={mistake ?? action.problem} />
					<div class="buttons">
						<button type="button" onClick={() => setAsking(false)}>
							Leave it
						</button>
						<button
							type="button"
							class="main"
							aria-disabled={action.isRunning}
							onClick={() => action.run(restore)}
						>
							Restore it
						</button>
					</div>
				</Dialog>
			)}
		</>
	);
}

import { merge } from '../../scripts/conformance/merge.ts';
import {
	type Json,
	Members,
	readJson,
	readObject,
	writeJson,
} from '../../scripts/conformance/ordered-json.ts';
import type { Stream } from './stream.ts';

/** A follower that holds a session from the frames of `state=true`, as its documentation says. */
export interface HeldState {
	/** The ETag of the session that it holds; undefined before the first snapshot. */
	etag(): string | undefined;
	/** The status of the session that it holds; undefined before the first snapshot. */
	status(): string | undefined;
	/** The text of the session that it holds. */
	text(): string;
	/** The kinds of the frames that came, in order: `event`, `snapshot`, `change` or `end`. */
	kinds: string[];
	/** The ids of the events that came. */
	events: string[];
	/** The names of the fields that the last change has set and merged. */
	lastChange(): { set: string[]; merge: string[] };
	/** The characters of all frames. */
	characters(): number;
	/** Applies the next frame, and returns its kind; undefined at the end of the stream. */
	next(): Promise<string | undefined>;
	/** Applies frames until it holds a session with an ETag. */
	until(etag: string | null): Promise<void>;
	leave(): Promise<void>;
}

/** Holds the session of a stream. `earlier` is a follower whose stream ended: this one has its events already. */
export function heldState(stream: Stream, earlier?: HeldState): HeldState {
	let etag: string | undefined;
	let session = new Members([]);
	let characters = 0;
	let lastChange: { set: string[]; merge: string[] } = { set: [], merge: [] };
	const kinds: string[] = [];
	const events = earlier?.events ?? [];

	function change(data: Members): void {
		const text = (name: string) => data.get(name) as string;
		if (text('previous') !== etag)
			throw new Error(`A change follows on ${text('previous')}, not on ${etag}.`);
		const members = new Map(session.list);
		const put = (name: string, value: Json) => {
			if (!members.has(name)) throw new Error(`${name} is not a field of a session.`);
			members.set(name, value);
		};
		put('updatedAt', text('updatedAt'));
		for (const [name, value] of (data.get('set') as Members).list) put(name, value);
		for (const [name, patch] of (data.get('merge') as Members).list)
			put(name, merge(members.get(name) ?? null, patch));
		session = new Members(members);
		const namesIn = (part: string) => (data.get(part) as Members).list.map(([name]) => name);
		lastChange = { set: namesIn('set'), merge: namesIn('merge') };
		etag = text('etag');
	}

	async function next(): Promise<string | undefined> {
		const frame = await stream.next();
		if (!frame?.event) return undefined;
		const { event: kind, data = '', id } = frame;
		kinds.push(kind);
		characters += data.length;
		if (kind === 'event') events.push(id ?? '');
		else if (id !== undefined) throw new Error(`A ${kind} frame has the id ${id}.`);
		if (kind === 'snapshot') {
			const read = readObject(data);
			etag = read.get('etag') as string;
			session = read.get('session') as Members;
		} else if (kind === 'change') change(readJson(data) as Members);
		else if (kind === 'session') throw new Error('A stream of the state has a `session` frame.');
		return kind;
	}

	return {
		etag: () => etag,
		status: () => session.get('status') as string | undefined,
		text: () => writeJson(session),
		kinds,
		events,
		lastChange: () => lastChange,
		characters: () => characters,
		next,
		async until(wanted) {
			while (etag !== wanted) {
				if ((await next()) === undefined) throw new Error(`The stream ended at ${etag}, before ${wanted}.`);
			}
		},
		leave: () => stream.leave(),
	};
}

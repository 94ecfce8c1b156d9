import { Deviation, expectEqual } from '../expect.ts';
import { merge } from '../merge.ts';
import { type Json, Members, readJson } from '../ordered-json.ts';
import type { Frame, Stream } from '../stream.ts';
import { sessionText } from './answers.ts';
import { dataOf, frameOf } from './frames.ts';

/** A session as a follower holds it: it has nothing but the frames of `state=true`. */
export interface HeldSession {
	stream: Stream;
	/** The ETag of what it holds; undefined before the first snapshot. */
	etag(): string | undefined;
	/** The text of what it holds, as `sessionText` writes it. */
	text(): string;
	/** The kinds of the frames so far, and the characters of the data of each. */
	frames: { kind: string; characters: number }[];
	/** The ids of the events so far. */
	events: string[];
	/** Applies the next frame. Throws a Deviation when it cannot be applied, or when there is none. */
	next(): Promise<void>;
	/** Applies frames until it holds the session with this ETag. */
	until(etag: string): Promise<void>;
}

export function holdSession(stream: Stream): HeldSession {
	let etag: string | undefined;
	let session = new Members([]);
	const frames: HeldSession['frames'] = [];
	const events: string[] = [];
	const where = stream.request;

	function members(data: Members, name: string): Members {
		const value = data.get(name);
		if (value instanceof Members) return value;
		throw new Deviation(`${where}: ${name} is not an object`);
	}

	function text(data: Members, name: string): string {
		const value = data.get(name);
		if (typeof value === 'string') return value;
		throw new Deviation(`${where}: ${name} is not a text`);
	}

	function change(data: Members): void {
		if (etag === undefined) throw new Deviation(`${where}: a change came before the first snapshot`);
		expectEqual(text(data, 'previous'), etag, `${where}: previous of a change`);
		const fields = new Map(session.list);
		const put = (name: string, value: Json) => {
			if (!fields.has(name)) throw new Deviation(`${where}: a change of ${name}, which is no field`);
			fields.set(name, value);
		};
		put('updatedAt', text(data, 'updatedAt'));
		for (const [name, value] of members(data, 'set').list) put(name, value);
		for (const [name, patch] of members(data, 'merge').list) {
			put(name, merge(fields.get(name) ?? null, patch));
		}
		session = new Members(fields);
		etag = text(data, 'etag');
	}

	function apply(frame: Frame): void {
		const { event: kind, id, data } = frame;
		frames.push({ kind, characters: data.length });
		if (kind === 'event') {
			if (id === undefined) throw new Deviation(`${where}: an event frame has no id`);
			events.push(id);
			return;
		}
		expectEqual(id, undefined, `${where}: the id of a ${kind} frame`);
		if (kind !== 'change' && kind !== 'snapshot') {
			throw new Deviation(`${where}: a stream of the state has a ${kind} frame`);
		}
		dataOf(stream, frame, kind);
		const exact = readJson(data) as Members;
		if (kind === 'change') {
			change(exact);
			return;
		}
		session = members(exact, 'session');
		etag = text(exact, 'etag');
	}

	async function next(): Promise<void> {
		apply(await frameOf(stream));
	}

	return {
		stream,
		etag: () => etag,
		text: () => sessionText(session),
		frames,
		events,
		next,
		async until(wanted) {
			while (etag !== wanted) await next();
		},
	};
}

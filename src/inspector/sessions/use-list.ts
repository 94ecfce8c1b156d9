import { useEffect, useState } from 'preact/hooks';
import { ApiError, type SessionStatus } from '../../client/client.ts';
import { useRepeated } from '../repeated.ts';
import { type Connect, wordsWhileRetrying } from '../service.ts';
import { readSessions, type SessionList } from './read.ts';

/** For each page that is shown: a long list is read less often. */
const POLL_MS = 3000;

export interface ShownList extends SessionList {
	/** The sessions that are new or have changed since this list was shown first. */
	changed: ReadonlySet<string>;
}

interface Shown {
	list: ShownList | undefined;
	/** Why the list is not up to date. */
	problem: string | undefined;
}

/** The newest sessions, read again and again while the page is in view. */
export function useList(connect: Connect, status: SessionStatus | undefined, pages: number): Shown {
	const [shown, setShown] = useState<Shown>({ list: undefined, problem: undefined });
	useEffect(() => setShown({ list: undefined, problem: undefined }), [status]);
	useRepeated(
		async (signal) => {
			try {
				const list = await readSessions(connect(), status, pages, signal);
				setShown((before) => ({ list: withChanges(list, before.list), problem: undefined }));
			} catch (error) {
				if (signal.aborted) return;
				if (!(error instanceof ApiError)) throw error;
				setShown(({ list }) => ({ list, problem: wordsWhileRetrying(error) }));
			}
		},
		() => POLL_MS * pages,
		[connect, status, pages],
	);
	return shown;
}

function withChanges(list: SessionList, before: ShownList | undefined): ShownList {
	if (before === undefined) return { ...list, changed: new Set() };
	const times = new Map(before.sessions.map(({ id, updatedAt }) => [id, updatedAt]));
	const oldest = before.sessions.at(-1)?.createdAt ?? '';
	// Older sessions than those that were shown have only been loaded.
	const isNews = ({ id, createdAt, updatedAt }: SessionList['sessions'][number]) =>
		times.has(id) ? times.get(id) !== updatedAt : createdAt > oldest;
	const news = list.sessions.filter(isNews).map(({ id }) => id);
	return { ...list, changed: new Set([...before.changed, ...news]) };
}

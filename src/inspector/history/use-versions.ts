import { useEffect, useRef, useState } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import type { Connect } from '../service.ts';
import { withVersions } from './versions.ts';

const PAGE = 100;
/** A session that changes all the time has thousands of versions. So many of them are listed. */
const MAX_VERSIONS = 1000;
/** The versions are read so often at most. */
const PAUSE_MS = 1500;

const NONE: readonly Version[] = [];

/** The kept versions of a session, oldest first. They are read again when its ETag changes. Empty until they have arrived. */
export function useVersions(connect: Connect, id: string, etag: string | undefined): readonly Version[] {
	const [versions, setVersions] = useState(NONE);
	const known = useRef(0);
	const readAt = useRef(0);
	const [stop, setStop] = useState<AbortController>();
	useEffect(() => {
		const next = new AbortController();
		setStop(next);
		return () => next.abort();
	}, [connect, id]);
	useEffect(() => {
		if (etag === undefined || stop === undefined) return;
		const options = { limit: PAGE, signal: stop.signal, maxRetries: 0 };
		async function read(): Promise<void> {
			readAt.current = Date.now();
			const found: Version[] = [];
			for await (const version of connect().versions(id, options)) {
				if (version.version <= known.current || found.length === MAX_VERSIONS) break;
				found.push(version);
			}
			known.current = Math.max(known.current, found[0]?.version ?? 0);
			setVersions((before) => withVersions(before, found));
		}
		// What cannot be read now is read with the next change.
		const timer = setTimeout(() => void read().catch(() => {}), readAt.current + PAUSE_MS - Date.now());
		return () => clearTimeout(timer);
	}, [connect, id, etag, stop]);
	return versions;
}

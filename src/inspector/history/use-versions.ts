import { useEffect, useRef, useState } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import type { Connect } from '../service.ts';
import { withVersions } from './versions.ts';

const PAGE = 100;
/** A session that changes all the time has thousands of versions. So many of them are listed. */
const MAX_VERSIONS = 1000;
/** How long to wait for further changes before the new versions are read. */
const PAUSE_MS = 1500;

const NONE: readonly Version[] = [];

/** The kept versions of a session, oldest first. They are read again when its ETag changes. Empty until they have arrived. */
export function useVersions(connect: Connect, id: string, etag: string | undefined): readonly Version[] {
	const [versions, setVersions] = useState(NONE);
	const known = useRef(0);
	useEffect(() => {
		if (etag === undefined) return;
		const stop = new AbortController();
		async function read(): Promise<void> {
			const options = { limit: PAGE, signal: stop.signal, maxRetries: 0 };
			const found: Version[] = [];
			for await (const version of connect().versions(id, options)) {
				if (version.version <= known.current || found.length === MAX_VERSIONS) break;
				found.push(version);
			}
			known.current = Math.max(known.current, found[0]?.version ?? 0);
			setVersions((before) => withVersions(before, found));
		}
		// What cannot be read now is read with the next change.
		const timer = setTimeout(() => void read().catch(() => {}), known.current === 0 ? 0 : PAUSE_MS);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [connect, id, etag]);
	return versions;
}

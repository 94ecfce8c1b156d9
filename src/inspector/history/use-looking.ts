import { useEffect, useRef } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import type { Look } from '../address.ts';
import type { Looking } from './slider.tsx';
import { versionAfter } from './versions.ts';

/**
 * The version of the objects that is shown: the one right after the selected event, until somebody moves the slider. What the
 * address names at first stays until another event is selected.
 */
export function useLooking(
	{ event, version, against }: Look,
	setLook: (changes: Partial<Look>) => void,
	versions: readonly Version[],
): [Looking, (looking: Looking) => void] {
	const named = useRef(version === undefined ? undefined : { event });
	const isKnown = versions.length > 0;
	useEffect(() => {
		if (!isKnown || (named.current && named.current.event === event)) return;
		named.current = undefined;
		const then = event === undefined ? undefined : versionAfter(versions, event)?.version;
		const next = then === versions.at(-1)?.version ? undefined : then;
		if (next !== version) setLook({ version: next });
	}, [event, isKnown]);
	return [{ version, against: against ?? 'before' }, setLook];
}

import { useCallback, useEffect, useState } from 'preact/hooks';
import { keepInAddress, type Look, lookInAddress, sessionInAddress } from '../address.ts';

/** What somebody looks at in a session. The address names it, so that a reload or a link shows the same. */
export function useLook(sessionId: string): [Look, (changes: Partial<Look>) => void] {
	const [look, setLook] = useState(lookInAddress);
	const change = useCallback(
		(changes: Partial<Look>) =>
			setLook((before) => {
				const next = { ...before, ...changes };
				keepInAddress(sessionId, next);
				return next;
			}),
		[sessionId],
	);
	// A link to another place in the same session.
	useEffect(() => {
		const read = () => sessionInAddress() === sessionId && setLook(lookInAddress());
		addEventListener('hashchange', read);
		return () => removeEventListener('hashchange', read);
	}, [sessionId]);
	return [look, change];
}

import type { Fetch } from '../../client/client.ts';

/** A fetch that ends when the browser goes offline. The browser itself would keep its connections, and the page would wait. */
export const fetchUntilOffline: Fetch = (url, init) => {
	const offline = new AbortController();
	// The client ends each of its connections by its signal.
	window.addEventListener('offline', () => offline.abort(), { once: true, signal: init.signal });
	return fetch(url, { ...init, signal: AbortSignal.any([offline.signal, init.signal]) });
};

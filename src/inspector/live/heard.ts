import type { Fetch } from '../../client/client.ts';

/** What is known of the connection besides its frames. */
export interface Heard {
	fetch: Fetch;
	/** When the last bytes arrived, by the local clock. A stream that lives has a comment every 15 seconds. */
	at(): number;
}

/**
 * A fetch that notes when bytes arrive, and ends when the browser goes offline: the browser itself would keep its connections,
 * and the page would wait.
 */
export function heardFetch(): Heard {
	let at = 0;
	return {
		at: () => at,
		async fetch(url, init) {
			const offline = new AbortController();
			// The client ends each of its connections by its signal.
			window.addEventListener('offline', () => offline.abort(), { once: true, signal: init.signal });
			const response = await fetch(url, { ...init, signal: AbortSignal.any([offline.signal, init.signal]) });
			at = Date.now();
			const noting = new TransformStream<Uint8Array, Uint8Array>({
				transform(chunk, controller) {
					at = Date.now();
					controller.enqueue(chunk);
				},
			});
			const body = response.body?.pipeThrough(noting) ?? null;
			const { status, statusText, headers } = response;
			return new Response(body, { status, statusText, headers });
		},
	};
}

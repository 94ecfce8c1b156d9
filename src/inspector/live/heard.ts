import type { Fetch } from '../../client/client.ts';

/** What is known of the connection besides its frames. */
export interface Heard {
	fetch: Fetch;
	/** When the last bytes arrived, by the local clock. A stream that lives has a comment every 15 seconds. */
	at(): number;
}

const LOCAL_RETRY_MS = 2000;

/**
 * A fetch that notes when bytes arrive, and ends when the browser goes offline: the browser itself would keep its connections,
 * and the page would wait. One that fails while the browser is offline is made again as soon as it is online.
 */
export function heardFetch(): Heard {
	let at = 0;
	const ask: Fetch = async (url, init) => {
		const offline = new AbortController();
		// The client ends each of its connections by its signal.
		window.addEventListener('offline', () => offline.abort(), { once: true, signal: init.signal });
		let response: Response;
		try {
			response = await fetch(url, { ...init, signal: AbortSignal.any([offline.signal, init.signal]) });
		} catch (error) {
			if (navigator.onLine || init.signal.aborted) throw error;
			await new Promise((resolve) => {
				for (const [target, name] of [
					[window, 'online'],
					[init.signal, 'abort'],
				] as const)
					target.addEventListener(name, resolve, { once: true });
				// A service on this machine answers without a network.
				setTimeout(resolve, LOCAL_RETRY_MS);
			});
			return await ask(url, init);
		}
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
	};
	return { fetch: ask, at: () => at };
}

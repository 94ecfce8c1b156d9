import type { Fetch } from '../../client/client.ts';

/**
 * A fetch that tells when a stream begins, and when it ends or breaks off. The client resumes a broken stream by itself and says
 * nothing of it; the page shows it. A browser that goes offline keeps its connections, so they are closed then.
 */
export const observedFetch =
	(onBegin: () => void, onEnd: () => void): Fetch =>
	async (url, init) => {
		const offline = new AbortController();
		const goOffline = () => offline.abort();
		window.addEventListener('offline', goOffline, { once: true });
		const end = () => {
			window.removeEventListener('offline', goOffline);
			onEnd();
		};
		const signals = [offline.signal, ...(init.signal ? [init.signal] : [])];
		try {
			const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
			if (!response.ok || !response.body) return response;
			onBegin();
			return new Response(observed(response.body, end), response);
		} catch (error) {
			end();
			throw error;
		}
	};

function observed(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
	const reader = body.getReader();
	return new ReadableStream({
		async pull(controller) {
			try {
				const { done, value } = await reader.read();
				if (!done) return controller.enqueue(value);
				onEnd();
				controller.close();
			} catch (error) {
				onEnd();
				controller.error(error);
			}
		},
		cancel: (reason) => reader.cancel(reason),
	});
}

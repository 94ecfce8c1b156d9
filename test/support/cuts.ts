import { ReadableStream } from 'node:stream/web';

/** The cuts of the connections of one client. */
export interface Cuts {
	/** How many cuts were made. */
	made(): number;
	/** A response whose body is cut at a byte, if there are cuts left. */
	response(response: { status: number; headers: Iterable<[string, string]>; body: unknown }): Response;
}

/**
 * Cuts the first connections of a client, each after a random number of bytes. It does so in the body, at a byte, and not after a
 * time: whatever the machine does, the client gets no more without the cut.
 */
export function newCuts({ count, maxBytes }: { count: number; maxBytes: number }): Cuts {
	let made = 0;

	async function* untilCut(body: AsyncIterable<Uint8Array>) {
		let left = 1 + Math.floor(Math.random() * maxBytes);
		for await (const bytes of body) {
			yield bytes.subarray(0, left);
			left -= bytes.length;
			if (left > 0) continue;
			made += 1;
			throw new TypeError('terminated');
		}
	}

	return {
		made: () => made,
		response({ status, headers, body }) {
			const bytes = body as AsyncIterable<Uint8Array> | null;
			const passed = bytes && made < count ? ReadableStream.from(untilCut(bytes)) : bytes;
			return new Response(passed as unknown as ReadableStream<Uint8Array> as BodyInit | null, {
				status,
				headers: [...headers],
			});
		},
	};
}

/**
 * The floor of large responses: it sends the number of bytes in the path, in chunks of the service's size, and reads
 * nothing.
 */
const CHUNK = new Uint8Array(65_536).fill(0x78);

async function send(writable: WritableStream<Uint8Array>, bytes: number): Promise<void> {
	const writer = writable.getWriter();
	for (let left = bytes; left > 0; left -= CHUNK.length) await writer.write(CHUNK.subarray(0, left));
	await writer.close();
}

export default {
	fetch(request) {
		const { readable, writable } = new IdentityTransformStream();
		// A client that disconnects ends only its response.
		send(writable, Number(new URL(request.url).pathname.slice(1))).catch(() => {});
		return new Response(readable);
	},
} satisfies ExportedHandler;

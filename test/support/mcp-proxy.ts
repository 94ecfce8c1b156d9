import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy on this machine. */
export interface Proxy {
	url: string;
	/** Breaks every connection. New ones work. */
	cut(): void;
	close(): void;
}

/** Starts a proxy that adds credentials to each request, for a client that cannot send any. */
export async function proxyWith(authorization: string, target: string): Promise<Proxy> {
	const { hostname, port } = new URL(target);
	const server = createServer((incoming, outgoing) => {
		const { method, url: path, headers } = incoming;
		const forwarded = request(
			{ hostname, port, method, path, headers: { ...headers, authorization } },
			(response) => {
				outgoing.writeHead(response.statusCode ?? 502, response.headers);
				response.pipe(outgoing);
			},
		);
		outgoing.on('close', () => forwarded.destroy());
		forwarded.on('error', () => outgoing.destroy());
		incoming.pipe(forwarded);
	});
	await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
	return {
		url: `http://localhost:${(server.address() as AddressInfo).port}`,
		cut: () => server.closeAllConnections(),
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
}

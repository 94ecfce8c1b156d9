import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message that arrived. */
export interface Arrived {
	path: string;
	id: string;
	headers: IncomingHttpHeaders;
	text: string;
}

/** A program that receives messages on this machine. */
export interface HttpReceiver {
	url: string;
	arrived: Arrived[];
	close(): Promise<void>;
}

/** Starts a receiver. `answer` answers a request, or leaves it open. */
export async function startReceiver(
	answer: (arrived: Arrived, response: ServerResponse) => void = (_, response) => {
		response.writeHead(204).end();
	},
): Promise<HttpReceiver> {
	const arrived: Arrived[] = [];
	const server = createServer((request, response) => {
		let text = '';
		request.setEncoding('utf8');
		request.on('data', (part) => {
			text += part;
		});
		request.on('end', () => {
			const { headers, url: path = '' } = request;
			const message: Arrived = { path, id: String(headers['webhook-id']), headers, text };
			arrived.push(message);
			answer(message, response);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		arrived,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

import { afterAll, beforeAll, it } from 'vitest';
import { expectAppendsOnce } from '../support/bad-network/client-over-proxy.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server.close());

it('appends each event once over a network that cuts, delays and rejects requests', () =>
	expectAppendsOnce(server, 1000));

import { afterAll, beforeAll, it } from 'vitest';
import { expectAppendsOnce } from '../support/client-over-chaos.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server.close());

it('each append arrives once over a network that cuts, delays and refuses', () =>
	expectAppendsOnce(server, 60));

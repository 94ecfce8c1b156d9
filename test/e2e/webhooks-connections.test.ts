import { expect, it } from 'vitest';
import { startReceiver } from '../support/http-receiver.ts';
import { withFolder } from '../support/server.ts';
import { serve } from './webhooks-after-kills.ts';

const REDIRECTS = [301, 302, 303, 307, 308];

it('no redirect is followed, and an endpoint that is not there is one that failed', () =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		const target = await startReceiver();
		const redirecting = await startReceiver(({ path }, response) => {
			response.writeHead(Number(path.slice(1)), { Location: target.url }).end();
		});
		const server = await start();
		try {
			const errorOf = async (url: string) => {
				const events = ['event:*'];
				const { id } = await call<{ id: string }>(server.url, 'POST', '/v1/webhooks', { url, events });
				const { error } = await call<{ error: string }>(server.url, 'POST', `/v1/webhooks/${id}/test`);
				await call(server.url, 'DELETE', `/v1/webhooks/${id}`);
				return error;
			};
			for (const status of REDIRECTS)
				expect([status, await errorOf(`${redirecting.url}/${status}`)]).toEqual([status, 'REDIRECT']);
			expect(await errorOf('http://127.0.0.1:9/')).toBe('CONNECTION');
			expect([redirecting.arrived.length, target.arrived.length]).toEqual([REDIRECTS.length, 0]);
		} finally {
			await server.kill();
			await redirecting.close();
			await target.close();
		}
	}));

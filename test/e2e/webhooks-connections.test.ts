import { expect, it } from 'vitest';
import { startReceiver } from '../support/http-receiver.ts';
import { withFolder } from '../support/server.ts';
import { serve } from './webhooks-after-kills.ts';

it('a redirect is not followed, and an endpoint that is not there is one that failed', () =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		const target = await startReceiver();
		const redirecting = await startReceiver((_, response) => {
			response.writeHead(307, { Location: target.url }).end();
		});
		const server = await start();
		try {
			const errorOf = async (url: string) => {
				const events = ['event:*'];
				const { id } = await call<{ id: string }>(server.url, 'POST', '/v1/webhooks', { url, events });
				return (await call<{ error: string }>(server.url, 'POST', `/v1/webhooks/${id}/test`)).error;
			};
			expect(await errorOf(redirecting.url)).toBe('REDIRECT');
			expect(await errorOf('http://127.0.0.1:9/')).toBe('CONNECTION');
			expect([redirecting.arrived.length, target.arrived.length]).toEqual([1, 0]);
		} finally {
			await server.kill();
			await redirecting.close();
			await target.close();
		}
	}));

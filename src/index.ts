import { app } from './app.ts';
import { cleanUpAll } from './cleanup/all.ts';
import type { Bindings } from './core/settings.ts';
import { deliverWoken } from './webhooks/run.ts';

export { Hub } from './following/hub.ts';

export default {
	fetch: app.fetch,
	async scheduled(controller, env) {
		await cleanUpAll(env, controller.scheduledTime);
	},
	async queue(batch, env, context) {
		await deliverWoken(batch, env, context);
	},
} satisfies ExportedHandler<Bindings>;

import { app } from './app.ts';
import { cleanUp } from './cleanup/cleanup.ts';
import { type Bindings, settingsOf } from './core/settings.ts';

export { Hub } from './live/hub.ts';

export default {
	fetch: app.fetch,
	async scheduled(controller, env) {
		await cleanUp(env.DB, controller.scheduledTime, settingsOf(env));
	},
} satisfies ExportedHandler<Bindings>;

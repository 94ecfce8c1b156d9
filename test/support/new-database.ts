import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

// Test files share a workerd, so each starts with empty databases.
await reset();
for (const d1 of [env.DB, env.FURTHER_1, env.FURTHER_2, env.FURTHER_3, env.FURTHER_4]) {
	await applyD1Migrations(d1, env.MIGRATIONS);
}

import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

// Test files share a workerd, so each starts with an empty database.
await reset();
await applyD1Migrations(env.DB, env.MIGRATIONS);

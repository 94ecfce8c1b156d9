import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = (name: string): string =>
	readFileSync(join(import.meta.dirname, '../.wrangler', name), 'utf8').trim();

/** Where the service is: what the environment says, or else the service of `npm run dev`. */
export const local = () => ({
	baseUrl: process.env.SESSIONS_URL ?? file('local-url'),
	token: process.env.SESSIONS_API_KEY ?? file('local-api-key'),
});

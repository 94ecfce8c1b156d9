import { hc } from 'hono/client';
import type { Api } from './app.ts';

/** A typed client of the calls on sessions, with an API key or a Clerk session token. */
export const sessionsClient = (baseUrl: string, token: string) =>
	hc<Api>(baseUrl, { headers: { Authorization: `Bearer ${token}` } }).v1.products.generation.sessions;

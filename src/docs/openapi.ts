import type { RouterRoute } from 'hono/types';
import { createDocument } from 'zod-openapi';
import { limits } from '../core/limits.ts';
import { VERSION } from '../core/version.ts';
import { pathsOf } from './operations.ts';
import { errorComponents } from './responses.ts';

export const SUMMARY =
	'Keeps the state of a product while a generator builds it: sessions, with events to follow.';

const DESCRIPTION = `Keeps the state of a product that a generator builds: its PRD, plan, product object and assembly
state are in a session. The generator patches it as it works, and appends events that people and programs follow.

**Errors** have one shape: \`error\` is a sentence for people, \`code\` is stable and for programs, and \`requestId\` is
the id in the log. Any path can return \`NOT_FOUND\` (404), and an existing path \`METHOD_NOT_ALLOWED\` (405, with \`Allow\`).

**Objects** come back as they were sent, with the order of their members and every digit of their numbers. Request bodies may have at most
${limits.requestBody} bytes. Plain strings must not contain U+0000 or lone surrogates.

**Concurrency.** Merge patches of different members all survive. \`If-Match\` with an \`ETag\` writes only if nobody
has written since. \`Idempotency-Key\` makes retries of create, append and
steps safe. A step appends events and merges a patch in one transaction. With a key, it makes a change of state safe to retry.

**Agents** use the same sessions with the same keys at \`/mcp\`, by the Model Context Protocol.`;

/**
 * The OpenAPI 3.1 document of an app, made from the declarations of its routes and from the schemas that validate
 * requests.
 */
export const openApiDocument = (routes: readonly RouterRoute[]) =>
	createDocument({
		openapi: '3.1.1',
		info: {
			title: 'Product generation sessions',
			version: VERSION,
			description: DESCRIPTION,
		},
		servers: [{ url: '/', description: 'This service.' }],
		tags: [
			{ name: 'Sessions', description: 'The state of one product that is being built.' },
			{ name: 'Events', description: 'The events of a session, in order.' },
			{
				name: 'Webhooks',
				description: 'Messages to a URL of the caller about what happens in its sessions.',
			},
			{ name: 'Service', description: 'The service itself. No credentials needed.' },
		],
		components: {
			schemas: errorComponents,
			securitySchemes: {
				apiKey: {
					type: 'http',
					scheme: 'bearer',
					bearerFormat: 'rt_live_… or rt_test_…',
					description: 'An API key. `Authorization` may also contain it without `Bearer`.',
				},
				clerkSession: {
					type: 'http',
					scheme: 'bearer',
					bearerFormat: 'JWT',
					description: 'A Clerk session token, verified as RFC8725 advises: RS256 only.',
				},
			},
		},
		paths: pathsOf(routes),
	});

export type Document = ReturnType<typeof openApiDocument>;

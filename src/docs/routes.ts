import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { ApiError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { SESSIONS_PATH } from '../http/session-path.ts';
import { documentSchema, type Index, indexSchema } from './schema.ts';

const index: Index = {
	name: 'Product generation sessions',
	version: VERSION,
	sessions: SESSIONS_PATH,
	docs: '/docs',
	inspector: '/inspector',
	mcp: '/mcp',
	openapi: '/openapi.json',
	llms: '/llms.txt',
	llmsFull: '/llms-full.txt',
	health: '/healthz',
};
/** RFC 8631. */
const LINKS = '</docs>; rel="service-doc", </openapi.json>; rel="service-desc", </healthz>; rel="status"';
/** Allows only resources from this origin. */
const policyWith = (styles: string) =>
	`default-src 'none'; script-src 'self'; style-src ${styles}; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
/** The pages, each with its policy. Swagger UI uses inline styles. */
const POLICIES = { docs: policyWith("'self' 'unsafe-inline'"), inspector: policyWith("'self'") };
/** A browser shows plain text, and downloads text/markdown. */
const PLAIN_TEXT = 'text/plain; charset=utf-8';

const NOT_MODIFIED = { description: 'The caller’s copy is current.' };

/** A file's name. It has no slash: an encoded one in a path would lead to the files of the other page. */
const FILE_NAME = /^[\w.-]+$/;

const notFound = (): ApiError => new ApiError('NOT_FOUND', 'There is nothing at this path.');

/**
 * Returns a static asset of the Worker, as the given content type or its own, or 304 when the caller's copy is current. A
 * browser keeps a copy and asks for a newer one each time, so it sees a new deployment at once. Throws NOT_FOUND.
 */
async function asset(c: Context<AppEnv>, path: string, contentType?: string): Promise<Response> {
	const known = c.req.header('If-None-Match');
	const found = await c.env.ASSETS.fetch(new URL(path, c.req.url), {
		headers: known === undefined ? {} : { 'If-None-Match': known },
	});
	if (found.status !== 200 && found.status !== 304) throw notFound();
	const response = new Response(found.body, found);
	response.headers.set('Cache-Control', 'no-cache');
	if (contentType && found.status === 200) response.headers.set('Content-Type', contentType);
	return response;
}

/** Returns a file of a page with the page's policy, because the page itself is one of the files. Throws NOT_FOUND. */
async function pageFile(c: Context<AppEnv>, page: keyof typeof POLICIES, name: string): Promise<Response> {
	if (!FILE_NAME.test(name)) throw notFound();
	const file = await asset(c, `/${page}/${name}`);
	file.headers.set('Content-Security-Policy', POLICIES[page]);
	// A page of another origin that opens this one cannot control its window.
	file.headers.set('Cross-Origin-Opener-Policy', 'same-origin');
	return file;
}

/**
 * The documentation for people, programs and language models, and the inspector. `scripts/build-docs.ts` and
 * `scripts/build-inspector.ts` build their files.
 */
export const docsRoutes = new Hono<AppEnv>({ strict: false })
	.get(
		'/',
		operation({
			id: 'getIndex',
			tag: 'Service',
			summary: 'Links to the documentation',
			description: 'Returns the links as JSON. Redirects a browser to the reference page.',
			responses: {
				200: { description: 'The links.', schema: indexSchema },
				302: { description: 'A browser is redirected to the reference page.', redirects: true },
			},
		}),
		(c) => {
			const wanted = accepts(c, {
				header: 'Accept',
				supports: ['application/json', 'text/html'],
				default: 'application/json',
			});
			const response =
				wanted === 'text/html' ? c.redirect('/docs') : jsonResponse<Index, 200>(JSON.stringify(index), 200);
			response.headers.set('Link', LINKS);
			response.headers.set('Vary', 'Accept');
			return response;
		},
	)
	.get(
		'/openapi.json',
		operation({
			id: 'getOpenApi',
			tag: 'Service',
			summary: 'This document',
			description: 'OpenAPI 3.1, made from the schemas that validate requests.',
			responses: { 200: { description: 'The document.', schema: documentSchema }, 304: NOT_MODIFIED },
		}),
		(c) => asset(c, '/openapi.json', 'application/json; charset=utf-8'),
	)
	.get(
		'/llms.txt',
		operation({
			id: 'getLlms',
			tag: 'Service',
			summary: 'An overview for language models',
			description: 'A short overview of the calls, as Markdown.',
			responses: { 200: { description: 'The overview.', mediaType: 'text/plain' }, 304: NOT_MODIFIED },
		}),
		(c) => asset(c, '/llms.txt', PLAIN_TEXT),
	)
	.get(
		'/llms-full.txt',
		operation({
			id: 'getLlmsFull',
			tag: 'Service',
			summary: 'The reference for language models',
			description: 'The whole of this document, as Markdown.',
			responses: { 200: { description: 'The reference.', mediaType: 'text/plain' }, 304: NOT_MODIFIED },
		}),
		(c) => asset(c, '/llms-full.txt', PLAIN_TEXT),
	)
	.get(
		'/docs',
		operation({
			id: 'getDocs',
			tag: 'Service',
			summary: 'The reference page',
			description: 'For people: reads the document above, and makes calls.',
			responses: { 200: { description: 'The page.', mediaType: 'text/html' }, 304: NOT_MODIFIED },
		}),
		(c) => pageFile(c, 'docs', 'page.html'),
	)
	.get('/docs/:file', (c) => pageFile(c, 'docs', c.req.param('file')))
	.get(
		'/inspector',
		operation({
			id: 'getInspector',
			tag: 'Service',
			summary: 'The inspector',
			description: 'For people: shows sessions and their events live. It signs in with an API key.',
			responses: { 200: { description: 'The page.', mediaType: 'text/html' }, 304: NOT_MODIFIED },
		}),
		(c) => pageFile(c, 'inspector', 'page.html'),
	)
	.get('/inspector/:file', (c) => pageFile(c, 'inspector', c.req.param('file')));

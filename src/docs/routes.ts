import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { ApiError } from '../core/errors.ts';
import { SESSIONS_PATH } from '../core/session-reference.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonAnswer } from '../http/json-response.ts';
import { fullText, overview } from './markdown.ts';
import { openApiDocument, VERSION } from './openapi.ts';
import type { Index } from './schema.ts';

const index: Index = {
	name: 'Product generation sessions',
	version: VERSION,
	sessions: SESSIONS_PATH,
	docs: '/docs',
	openapi: '/openapi.json',
	llms: '/llms.txt',
	llmsFull: '/llms-full.txt',
	health: '/healthz',
};
/** RFC 8631. */
const LINKS = '</docs>; rel="service-doc", </openapi.json>; rel="service-desc", </healthz>; rel="status"';
/** Everything from here; Swagger UI draws with inline styles and images in data URLs. */
const PAGE_POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** As plain text: a browser shows it, and does not know what to do with text/markdown. */
const markdown = (text: string) =>
	new Response(text, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } });

/** A file of the reference page, from the Worker's static assets. */
async function file(c: Context<AppEnv>, name: string): Promise<Response> {
	const found = await c.env.ASSETS.fetch(new URL(`/docs/${name}`, c.req.url));
	if (found.status !== 200) throw new ApiError('NOT_FOUND', 'There is nothing at this path.');
	return new Response(found.body, found);
}

/** The documentation, for people, programs and language models. */
export const docsRoutes = new Hono<AppEnv>({ strict: false })
	.get('/', (c) => {
		const wanted = accepts(c, {
			header: 'Accept',
			supports: ['application/json', 'text/html'],
			default: 'application/json',
		});
		const answer =
			wanted === 'text/html' ? c.redirect('/docs') : jsonAnswer<Index, 200>(JSON.stringify(index), 200);
		answer.headers.set('Link', LINKS);
		answer.headers.set('Vary', 'Accept');
		return answer;
	})
	.get('/openapi.json', () => jsonAnswer(JSON.stringify(openApiDocument()), 200))
	.get('/llms.txt', () => markdown(overview(openApiDocument())))
	.get('/llms-full.txt', () => markdown(fullText(openApiDocument())))
	.get('/docs', async (c) => {
		const page = await file(c, 'page.html');
		page.headers.set('Content-Security-Policy', PAGE_POLICY);
		return page;
	})
	.get('/docs/:file', (c) => file(c, c.req.param('file')));

/**
 * Builds the documentation that the Worker serves as static assets: the OpenAPI document and the texts for language
 * models from the declarations of the routes, and the files of the reference page. wrangler runs it before it bundles.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { app } from '../src/app.ts';
import { fullText, overview } from '../src/docs/markdown.ts';
import { openApiDocument } from '../src/docs/openapi.ts';

const root = resolve(import.meta.dirname, '..');
const assets = join(root, 'dist/public');
const page = join(assets, 'docs');
mkdirSync(page, { recursive: true });

const document = openApiDocument(app.routes);
writeFileSync(join(assets, 'openapi.json'), JSON.stringify(document));
writeFileSync(join(assets, 'llms.txt'), overview(document));
writeFileSync(join(assets, 'llms-full.txt'), fullText(document));

const source = join(root, 'src/docs/page');
cpSync(source, page, { recursive: true });
// It keeps its key as the inspector does.
await build({ entryPoints: [join(source, 'page.js')], outdir: page, bundle: true, target: 'es2022' });
const swagger = join(root, 'node_modules/swagger-ui-dist');
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) cpSync(join(swagger, name), join(page, name));
// The name that the bundle refers to. The licenses of Swagger UI, and of the packages in its bundle, require their notices.
const notices = ['NOTICE', 'LICENSE', 'swagger-ui-bundle.js.LICENSE.txt'].map((name) =>
	readFileSync(join(swagger, name), 'utf8').trim(),
);
writeFileSync(
	join(page, 'swagger-ui-bundle.js.LICENSE.txt'),
	`${notices.join(`\n\n${'-'.repeat(72)}\n\n`)}\n`,
);

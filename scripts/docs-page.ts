/**
 * Gathers the files of the reference page in the folder of the Worker's static assets: our own, and two of Swagger UI's.
 * wrangler runs it before it bundles.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'dist/public/docs');
mkdirSync(target, { recursive: true });
cpSync(join(root, 'src/docs/page'), target, { recursive: true });
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
	cpSync(join(root, 'node_modules/swagger-ui-dist', name), join(target, name));
}

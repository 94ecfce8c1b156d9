/** Prints the OpenAPI document, as `GET /openapi.json` returns it. */
import { app } from '../src/app.ts';
import { openApiDocument } from '../src/docs/openapi.ts';

console.log(JSON.stringify(openApiDocument(app.routes), null, 2));

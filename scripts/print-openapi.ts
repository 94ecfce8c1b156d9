/** Prints the OpenAPI document, as `GET /openapi.json` answers it. */
import { openApiDocument } from '../src/docs/openapi.ts';

console.log(JSON.stringify(openApiDocument(), null, 2));

/** `npm run openapi`: prints the OpenAPI document, as `GET /openapi.json` returns it. `npm run openapi -- --help` prints how. */
import { app } from '../src/app.ts';
import { openApiDocument } from '../src/docs/openapi.ts';
import { parseArguments } from './arguments.ts';
import { exitAfter, usageError } from './failure.ts';

const HELP = `npm run openapi -- [--server URL]

Prints the OpenAPI document. --server is the URL of the service in it, for tools that read the document from a file: without it,
the service is where the document comes from.`;

async function print(): Promise<void> {
	const { values } = parseArguments(
		{ options: { server: { type: 'string' }, help: { type: 'boolean' } } },
		HELP,
	);
	if (values.help) return console.log(HELP);
	const { server } = values;
	if (server !== undefined && !(URL.canParse(server) && /^https?:/.test(server))) {
		throw usageError(`--server: "${server}" is not a URL that begins with http:// or https://.`);
	}
	const document = openApiDocument(app.routes);
	const servers = server === undefined ? document.servers : [{ url: server.replace(/\/+$/, '') }];
	console.log(JSON.stringify({ ...document, servers }, null, 2));
}

await exitAfter(print);

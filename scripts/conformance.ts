/**
 * `npm run conformance -- --base-url URL --api-key KEY`: checks any server for what the reference documents. Nothing in
 * it comes from the service itself.
 */
import { parseArgs } from 'node:util';
import { type Result, run } from './conformance/run.ts';
import { type Server, send } from './conformance/server.ts';

const HELP = `npm run conformance -- --base-url URL --api-key KEY
    [--limited-api-key KEY]  a key of the same user that may only read: checks the 403s
    [--readonly]             only what changes nothing on the server
    [--timeout SECONDS]      for each answer (default: 10)
    [--json]                 one JSON object instead of a table`;

const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

function fail(sentence: string, code: number): never {
	console.error(sentence);
	process.exit(code);
}

function readArguments() {
	try {
		const { values } = parseArgs({
			options: {
				'base-url': { type: 'string' },
				'api-key': { type: 'string' },
				'limited-api-key': { type: 'string' },
				timeout: { type: 'string', default: '10' },
				readonly: { type: 'boolean', default: false },
				json: { type: 'boolean', default: false },
			},
		});
		const { 'base-url': baseUrl, 'api-key': apiKey, 'limited-api-key': limitedApiKey } = values;
		if (!baseUrl || !apiKey) throw new Error('--base-url and --api-key are needed.');
		if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) throw new Error(`${baseUrl} is no URL.`);
		const timeout = Number(values.timeout) * 1000;
		if (!(timeout > 0)) throw new Error('--timeout takes a number of seconds.');
		const server: Server = { baseUrl, apiKey, limitedApiKey, timeout };
		return { server, isReadonly: values.readonly, asJson: values.json };
	} catch (error) {
		return fail(`${error instanceof Error ? error.message : error}\n\n${HELP}`, 2);
	}
}

const { server, isReadonly, asJson } = readArguments();
await send(server, 'GET').catch((error: Error) => {
	const cause = error.cause instanceof Error ? error.cause.message : error.message;
	return fail(`${server.baseUrl} cannot be reached: ${cause}`, 1);
});

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

function tell({ id, title, status, message }: Result): void {
	if (asJson) return;
	console.log(
		`${MARKS[status]}  ${id.padEnd(24)}  ${title}${message === undefined ? '' : `\n      ${message}`}`,
	);
}

const { results, left } = await run(server, { isReadonly, tell, signal: interrupted.signal });
const count = (status: Result['status']) => results.filter((result) => result.status === status).length;
const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];

if (asJson) {
	console.log(JSON.stringify({ baseUrl: server.baseUrl, passed, failed, skipped, checks: results }));
} else {
	console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped: ${server.baseUrl}`);
}
if (left.length > 0) console.error(`These sessions could not be deleted: ${left.join(', ')}`);
if (interrupted.signal.aborted) fail('Interrupted. What was made is deleted.', 130);
process.exit(failed > 0 ? 1 : 0);

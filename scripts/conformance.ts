/**
 * `npm run conformance -- --base-url URL`: checks any server against the document of the reference, and if requested
 * against what this project adds to it. It imports nothing from the service.
 */
import { parseArgs } from 'node:util';
import { type Extension, extensions, type Profile, profiles } from './conformance/check.ts';
import { startReceiver } from './conformance/receiver.ts';
import { checksOf, checksOfExtensions, type Result, run } from './conformance/run.ts';
import { type Server, send } from './conformance/server.ts';

const HELP = `npm run conformance -- --base-url URL
    The environment variable SESSIONS_API_KEY holds the key, and SESSIONS_LIMITED_API_KEY a read-only key of the same
    user, which adds the checks of 403 responses. Set them with "read -rs" and "export": a key on a command line stays
    in the shell's history, and other users of the machine see it in the list of processes.
    [--api-key KEY]          in place of SESSIONS_API_KEY
    [--limited-api-key KEY]  in place of SESSIONS_LIMITED_API_KEY
    [--profile reference]    checks what the document of the reference says, and nothing more (default)
    [--profile strict]       also checks what this project adds: docs/conformance.md
    [--extensions]           also checks all extensions of this project: docs/conformance.md
    [--extensions LIST]      also checks these, comma-separated: ${extensions.slice(0, 6).join(', ')},
                             ${extensions.slice(6).join(', ')}
    [--readonly]             runs only the checks that change nothing on the server
    [--timeout SECONDS]      how long to wait for each response, and each frame of a stream (default: 10)
    [--json]                 prints one JSON object instead of a table`;

const MAX_TIMEOUT_SECONDS = 3600;

const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

function fail(sentence: string, code: number): never {
	console.error(sentence);
	process.exit(code);
}

const isProfile = (text: string): text is Profile => (profiles as readonly string[]).includes(text);

/** A key from an option, or else from the environment. */
function keyOf<Option extends string>(
	options: { [name in Option]?: string },
	option: Option,
	variable: string,
): string | undefined {
	const key = options[option] || process.env[variable] || undefined;
	if (key !== undefined && /[^\x21-\x7e]/.test(key)) {
		const source = options[option] ? `--${option}` : variable;
		throw new Error(`${source}: a key consists of visible ASCII characters.`);
	}
	return key;
}

/** The extensions in a comma-separated list. */
function extensionsIn(list: string): Extension[] {
	const names = list.split(',').map((name) => name.trim());
	const isKnown = (name: string): name is Extension => (extensions as readonly string[]).includes(name);
	const unknown = names.find((name) => !isKnown(name));
	if (unknown !== undefined) {
		throw new Error(`--extensions: "${unknown}" is not one of ${extensions.join(', ')}.`);
	}
	return extensions.filter((name) => names.includes(name));
}

/** `--extensions` alone stands for all of them. `parseArgs` has no options whose value may be missing. */
const withAllExtensions = (args: readonly string[]): string[] =>
	args.map((arg, at) =>
		arg === '--extensions' && (args[at + 1] ?? '--').startsWith('--')
			? `--extensions=${extensions.join()}`
			: arg,
	);

function readArguments() {
	try {
		const { values } = parseArgs({
			args: withAllExtensions(process.argv.slice(2)),
			options: {
				'base-url': { type: 'string' },
				'api-key': { type: 'string' },
				'limited-api-key': { type: 'string' },
				profile: { type: 'string', default: 'reference' },
				extensions: { type: 'string' },
				timeout: { type: 'string', default: '10' },
				readonly: { type: 'boolean', default: false },
				json: { type: 'boolean', default: false },
			},
		});
		const { 'base-url': baseUrl } = values;
		if (!baseUrl) throw new Error('--base-url is required.');
		if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) {
			throw new Error(`--base-url: "${baseUrl}" is not a URL that begins with http:// or https://.`);
		}
		const apiKey = keyOf(values, 'api-key', 'SESSIONS_API_KEY');
		if (!apiKey) throw new Error('A key is required: set SESSIONS_API_KEY, or pass --api-key.');
		const limitedApiKey = keyOf(values, 'limited-api-key', 'SESSIONS_LIMITED_API_KEY');
		const { profile } = values;
		if (!isProfile(profile)) throw new Error(`--profile takes ${profiles.join(' or ')}.`);
		const chosen = values.extensions === undefined ? [] : extensionsIn(values.extensions);
		const timeout = Math.ceil(Number(values.timeout) * 1000);
		if (!(timeout > 0 && timeout <= MAX_TIMEOUT_SECONDS * 1000)) {
			throw new Error(`--timeout takes a number of seconds above 0, up to ${MAX_TIMEOUT_SECONDS}.`);
		}
		const server: Server = { baseUrl, apiKey, limitedApiKey, timeout, receive: startReceiver };
		return { server, profile, chosen, isReadonly: values.readonly, asJson: values.json };
	} catch (error) {
		return fail(`${error instanceof Error ? error.message : error}\n\n${HELP}`, 2);
	}
}

if (process.argv.includes('--help')) {
	console.log(HELP);
	process.exit(0);
}
const { server, profile, chosen, isReadonly, asJson } = readArguments();
const obstacle = await findObstacle(server);
if (obstacle !== undefined) fail(obstacle, 1);

/** Returns why no check can pass, or undefined: the server is unreachable or silent, or it rejects the key. */
async function findObstacle({ baseUrl, timeout }: Server): Promise<string | undefined> {
	try {
		const { status, text } = await send(server, 'GET');
		if (status === 401) return `${baseUrl} rejected the API key with 401: ${text.slice(0, 200)}`;
		if (status === 403)
			return `${baseUrl} rejected the API key with 403, because it may not list sessions: ${text.slice(0, 200)}`;
		return undefined;
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		if (error.name === 'TimeoutError') {
			return `${baseUrl} did not respond within ${timeout / 1000} s. Give it longer with --timeout.`;
		}
		const cause = error.cause instanceof Error ? error.cause.message : error.message;
		return `${baseUrl} cannot be reached: ${cause}`;
	}
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

function tell({ id, proves, title, status, message }: Result): void {
	if (asJson) return;
	console.log(`${MARKS[status]}  ${id.padEnd(25)}  ${title} [${proves}]`);
	if (message !== undefined) console.log(`      ${message}`);
}

const { results, left } = await run(server, {
	isReadonly,
	tell,
	signal: interrupted.signal,
	chosen: [...checksOf[profile], ...checksOfExtensions(chosen)],
});
const count = (status: Result['status']) => results.filter((result) => result.status === status).length;
const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];

if (asJson) {
	console.log(
		JSON.stringify({
			baseUrl: server.baseUrl,
			profile,
			extensions: chosen,
			passed,
			failed,
			skipped,
			checks: results,
		}),
	);
} else {
	const extended = chosen.length === 0 ? '' : `, extensions ${chosen.join(', ')}`;
	console.log(
		`\n${passed} passed, ${failed} failed, ${skipped} skipped: ${server.baseUrl}, profile ${profile}${extended}`,
	);
}
if (left.length > 0) console.error(`These sessions could not be deleted: ${left.join(', ')}`);
if (interrupted.signal.aborted)
	fail('Interrupted. The sessions that the checks created have been deleted.', 130);
process.exit(failed > 0 ? 1 : 0);

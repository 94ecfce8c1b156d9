import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { newApiKey } from '../../src/auth/api-key-format.ts';
import { OWNER, sessionId } from '../seed.ts';
import { type Attack, type Call, type Sender, send } from './send.ts';

/** The sessions of the attacker that attacks.ts has filled, and one whose history this file makes. */
const FULL = { from: 1, count: 40 };
const MANY_EVENTS = 101;
const FILLED = 301;
const WIDE = { from: 401, count: 10 };
const CHANGED = 20;
const VERSIONS = 200;

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const STREAM = { Accept: 'text/event-stream' };
const MOST_OF_SESSION = 1_500_000;

const one = ({ from, count }: { from: number; count: number }, n: number): string =>
	`/${sessionId(from + (n % count))}`;
const get = (path: string, headers: Record<string, string> = {}): Call => ({ method: 'GET', path, headers });

/** A request of the Model Context Protocol. */
const tool = (name: string, args: object): Call => ({
	method: 'POST',
	at: '/mcp',
	path: '',
	body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
	headers: { Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': '2025-11-25' },
});

const largeStep = JSON.stringify({
	events: Array.from({ length: 30 }, () => ({ type: 'note', payload: { text: 'x'.repeat(65_000) } })),
});
const hook = JSON.stringify({ url: 'https://example.com/hook', events: ['event:*'] });

/** The signing key of a Clerk instance, and another one. */
const pair = await generateKeyPair('RS256', { extractable: true });
const stranger = await generateKeyPair('RS256');
/** The public key for the service's setting. */
export const clerkKey = (): Promise<string> => exportSPKI(pair.publicKey);
const forged = await new SignJWT({ sub: OWNER, sid: 'sess_1' })
	.setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
	.setIssuedAt()
	.setExpirationTime('1h')
	.sign(stranger.privateKey);

/** Creates a webhook, and deletes it. */
async function webhook(to: Sender): Promise<number> {
	const at = '/v1/webhooks';
	let id = '';
	const status = await send(to, {
		method: 'POST',
		at,
		path: '',
		body: hook,
		onText: (text) => {
			id = (JSON.parse(text) as { id?: string }).id ?? '';
		},
	});
	return id === '' ? status : send(to, { method: 'DELETE', at, path: `/${id}` });
}

/** Each sends its nth request. */
export const furtherAttacks: Record<string, Attack> = {
	'If-None-Match of full sessions': (to, n) => send(to, get(one(FULL, n), { 'If-None-Match': '*' })),
	'fields of wide objects': (to, n) => send(to, get(`${one(WIDE, n)}?fields=plan,prd`)),
	'pages of versions': (to) => send(to, get(`/${sessionId(CHANGED)}/versions?limit=100`)),
	'versions long ago': (to, n) => send(to, get(`/${sessionId(CHANGED)}?version=${2 + (n % 50)}`)),
	'forks of full sessions': (to, n) =>
		send(to, {
			method: 'POST',
			path: '',
			body: JSON.stringify({ from: { sessionId: sessionId(FULL.from + (n % FULL.count)) } }),
		}),
	'forks of versions long ago': (to, n) =>
		send(to, {
			method: 'POST',
			path: '',
			body: JSON.stringify({ from: { sessionId: sessionId(CHANGED), version: 2 + (n % 50) } }),
		}),
	'replays of a step of 2 MB': (to) =>
		send(to, {
			method: 'POST',
			path: `/${sessionId(FILLED)}/steps`,
			body: largeStep,
			headers: { 'Idempotency-Key': 'again' },
		}),
	'pages of 100,000 events, newest first': (to) =>
		send(to, get(`/${sessionId(MANY_EVENTS)}/events?order=desc&limit=1000`)),
	'webhooks made and deleted': (to) => webhook(to),
	'tools that read a full session': (to, n) =>
		send(to, tool('get_session', { sessionId: sessionId(FULL.from + (n % FULL.count)) })),
	'tools that list sessions': (to) =>
		send(to, tool('list_sessions', { limit: 50, after: sessionId(FULL.from + FULL.count) })),
	'live state of a full session that changes': (to, n) =>
		n % 4 === 0
			? send(to, { method: 'PATCH', path: one(FULL, 0), body: `{"plan":{"n":${n}}}`, headers: MERGE })
			: send(to, { ...get(`${one(FULL, 0)}/events?state=true`, STREAM), leavesAfter: MOST_OF_SESSION }),
	'HEAD of full sessions': (to, n) => send(to, { method: 'HEAD', path: one(FULL, n) }),
	preflights: (to, n) => send(to, { method: 'OPTIONS', path: one(FULL, n) }),
	'tokens with a signature of another key': (to) => send({ ...to, key: forged }, get('?limit=1')),
	'keys that nobody has': async (to) => send({ ...to, key: (await newApiKey('test')).key }, get('?limit=1')),
	'1,000 small calls at once': async (to, n) => {
		const statuses = await Promise.all(
			Array.from({ length: 25 }, () => send(to, get(`${one(FULL, n)}?fields=status`))),
		);
		return Math.max(...statuses);
	},
};

/** Makes versions of one full session. */
export async function makeVersions(to: Sender): Promise<void> {
	const path = `/${sessionId(CHANGED)}`;
	for (let n = 0; n < VERSIONS; n += 1) {
		await send(to, { method: 'PATCH', path, body: JSON.stringify({ plan: { n } }), headers: MERGE });
	}
}

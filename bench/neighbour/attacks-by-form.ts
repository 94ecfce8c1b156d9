import { sessionId } from '../seed.ts';
import { type Attack, type Call, send } from './send.ts';

/** Attacks by the form of what is sent: how JSON is written, how it arrives, and what is in the headers and the query. */

const FULL = { from: 1, count: 40 };
const MERGE = { 'Content-Type': 'application/merge-patch+json' };
/** Bodies of 64 KB and more take turns. These do not. */
const JUST_SMALL = 65_000;
const LARGE = 2_090_000;

const one = (n: number): string => `/${sessionId(FULL.from + (n % FULL.count))}`;
/** Small sessions, which attacks-by-number.ts makes. */
const own = (n: number): string => `/${sessionId(601 + (n % 40))}`;
const patch = (path: string, body: string): Call => ({ method: 'PATCH', path, body, headers: MERGE });

/** An object with as many members as fit. */
function membersIn(bytes: number, member: (n: number) => string): string {
	const members: string[] = [];
	let size = 2;
	for (let n = 0; ; n += 1) {
		const next = member(n);
		size += next.length + 1;
		if (size > bytes) return `{${members.join(',')}}`;
		members.push(next);
	}
}

const short = (n: number): string => `"${n.toString(36)}":1`;
const justSmallMerge = `{"plan":${membersIn(JUST_SMALL, short)}}`;
const inFour = (value: (bytes: number) => string, bytes: number): string =>
	`{${['prd', 'plan', 'productObject', 'assemblyState'].map((name) => `"${name}":${value(bytes / 4 - 20)}`).join(',')}}`;

const escapes = inFour((bytes) => membersIn(bytes, (n) => `"${n.toString(36)}":"\\u0041\\u002f"`), LARGE);
const spaces = inFour((bytes) => membersIn(bytes, (n) => ` "${n.toString(36)}" : [ 1 , 2 ] `), LARGE);
const again = inFour((bytes) => membersIn(bytes, (n) => `"${(n % 10).toString(36)}":{"a":1,"a":[2]}`), LARGE);
const surrogates = inFour(
	(bytes) => membersIn(bytes, (n) => `"\\ud800${n.toString(36)}":"\\udfff\\ud83d\\ude00"`),
	1_500_000,
);
const digits = inFour(
	(bytes) => membersIn(bytes, (n) => `"${n.toString(36)}":${'9'.repeat(10_000)}`),
	1_500_000,
);
const unknown = membersIn(LARGE, (n) => `"${n.toString(36)}":[{}]`);

const tool = (name: string, args: string): Call => ({
	method: 'POST',
	at: '/mcp',
	path: '',
	body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`,
	headers: { Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': '2025-11-25' },
});

const headers = Object.fromEntries(Array.from({ length: 14 }, (_, n) => [`X-Long-${n}`, 'x'.repeat(1000)]));

export const attacksByForm: Record<string, Attack> = {
	'merges of 64 KB with short members': (to, n) => send(to, patch(own(n), justSmallMerge)),
	'merges of 64 KB with short members into full objects': (to, n) => send(to, patch(one(n), justSmallMerge)),
	'changes by a tool with 64 KB of short members': (to, n) =>
		send(
			to,
			tool(
				'update_session',
				`{"sessionId":"${own(n).slice(1)}","plan":${membersIn(JUST_SMALL - 200, short)}}`,
			),
		),
	'bodies of escapes': (to, n) => send(to, { method: 'PATCH', path: own(n), body: escapes }),
	'bodies of white space': (to, n) => send(to, { method: 'PATCH', path: own(n), body: spaces }),
	'bodies of members with the same name': (to, n) => send(to, { method: 'PATCH', path: own(n), body: again }),
	'merges of half surrogate pairs': (to, n) => send(to, patch(own(n), surrogates)),
	'merges of numbers with 10,000 digits': (to, n) => send(to, patch(own(n), digits)),
	'bodies of unknown members': (to, n) => send(to, { method: 'PATCH', path: own(n), body: unknown }),
	'bodies of 64 KB in chunks of 16 bytes': (to, n) =>
		send(to, { ...patch(own(n), justSmallMerge), chunkBytes: 16 }),
	'a query of 14 KB': (to, n) =>
		send(to, { method: 'GET', path: `${own(n)}?fields=${'plan,'.repeat(2800)}plan` }),
	'a query of 3,000 names': (to, n) =>
		send(to, {
			method: 'GET',
			path: `${own(n)}?${Array.from({ length: 3000 }, (_, each) => `${each}`).join('&')}`,
		}),
	'headers of 14 KB': (to, n) => send(to, { method: 'GET', path: `${own(n)}?fields=status`, headers }),
	'Accept of 14 KB': (to, n) =>
		send(to, {
			method: 'GET',
			path: `${own(n)}/events?limit=1`,
			headers: { Accept: Array.from({ length: 1000 }, (_, each) => `a/${each};q=0.${each % 10}`).join(',') },
		}),
	'If-None-Match of 14 KB': (to, n) =>
		send(to, {
			method: 'GET',
			path: own(n),
			headers: { 'If-None-Match': Array.from({ length: 1800 }, (_, tag) => `"${tag + 100}"`).join(',') },
		}),
	'If-Match of 14 KB': (to, n) =>
		send(to, {
			...patch(own(n), '{"plan":{"a":1}}'),
			headers: { ...MERGE, 'If-Match': Array.from({ length: 1800 }, (_, tag) => `"${tag + 1}"`).join(',') },
		}),
	'paths that lead nowhere': (to, n) => send(to, { method: 'GET', at: '', path: `/${n}` }),
};

import type { Contender } from '../contenders.ts';
import { insertEvents, insertSessions, OWNER, sessionId } from '../seed.ts';
import { type Attack, type Call, hold, type Sender, send } from './send.ts';

/** Attacks with many small things of each kind: sessions, versions, events, webhooks and streams. */

/** The sessions of the attacker: some whose events are followed, one with all the versions that are kept, and very many. */
const FOLLOWED = { from: 501, count: 2 };
const CHANGED = 551;
const EVENTFUL = 552;
const HOOKED = 553;
const SMALL = { from: 601, count: 40 };
const MANY = { from: 2_000_000, count: 200_000 };
/** Of some 240 bytes each: as many as HISTORY_BYTES keeps. */
const VERSIONS = 16_000;
const EVENTS = 100_000;

const STREAMS = 90;
const STREAM = { Accept: 'text/event-stream' };

const get = (path: string, headers: Record<string, string> = {}): Call => ({ method: 'GET', path, headers });
const post = (path: string, body: unknown): Call => ({ method: 'POST', path, body: JSON.stringify(body) });
const eventId = (position: number): string => `evt_${String(position).padStart(10, '0')}00000000000000000000`;

const tool = (method: string, params: object): Call => ({
	...post('', { jsonrpc: '2.0', id: 1, method, params }),
	at: '/mcp',
	headers: { Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': '2025-11-25' },
});

const tinyStep = {
	events: Array.from({ length: 100 }, (_, n) => ({ type: `note.${n}` })),
};

/** Opens streams of one session, and appends events to it as soon as they are open. */
const toStreams =
	(session: number, event: object): Attack =>
	(to, n) =>
		n < STREAMS
			? hold(to, get(`/${sessionId(session)}/events`, STREAM))
			: send(to, post(`/${sessionId(session)}/events`, event));

/** Makes a key for a session, reads with it, revokes it, and tries it again. */
async function keyForOne(to: Sender, n: number): Promise<number> {
	const path = `/${sessionId(1 + (n % 40))}`;
	let made: { id?: string; key?: string } = {};
	const status = await send(to, {
		...post(`${path}/keys`, {}),
		onText: (text) => {
			made = JSON.parse(text) as typeof made;
		},
	});
	if (!made.id || !made.key) return status;
	const holder = { ...to, key: made.key };
	const call = get(`${path}?fields=status`);
	await send(holder, call);
	await send(to, { method: 'DELETE', path: `${path}/keys/${made.id}` });
	return send(holder, call);
}

let webhooks: Promise<void> | undefined;
async function makeWebhooks(to: Sender): Promise<void> {
	const events = [...Array.from({ length: 19 }, (_, n) => `event:${'x'.repeat(240)}.${n}*`), 'event:*'];
	for (let n = 0; n < 10; n += 1)
		await send(to, { ...post('', { url: `https://example.com/${n}`, events }), at: '/v1/webhooks' });
}

export const attacksByNumber: Record<string, Attack> = {
	'lists of one of 200,000 sessions': (to) => send(to, get('?limit=1')),
	'the last page of 200,000 sessions': (to) => send(to, get(`?limit=100&offset=${MANY.count - 100}`)),
	'the oldest of 16,000 versions of 400 KB': (to, n) =>
		send(to, get(`/${sessionId(CHANGED)}?version=${2 + (n % 50)}`)),
	'forks of the oldest of 16,000 versions of 400 KB': (to, n) =>
		send(to, post('', { from: { sessionId: sessionId(CHANGED), version: 2 + (n % 50) } })),
	'the last page of 16,000 versions': (to) =>
		send(to, get(`/${sessionId(CHANGED)}/versions?limit=100&before=150`)),
	'pages in the middle of 100,000 events': (to, n) =>
		send(
			to,
			get(
				`/${sessionId(EVENTFUL)}/events?limit=1000&order=${n % 2 ? 'desc' : 'asc'}&after=${eventId(50_000)}`,
			),
		),
	'steps of 100 tiny events': (to) => send(to, post(`/${sessionId(HOOKED)}/steps`, tinyStep)),
	'events of 1 KB to 90 streams': toStreams(FOLLOWED.from, {
		type: 'note',
		payload: { text: 'x'.repeat(1000) },
	}),
	'events of 60 KB to 90 streams': toStreams(FOLLOWED.from + 1, {
		type: 'note',
		payload: { text: 'x'.repeat(60_000) },
	}),
	'keys made, used and revoked': keyForOne,
	'lists by tools of 200,000 sessions': (to) =>
		send(to, tool('tools/call', { name: 'list_sessions', arguments: {} })),
	'completions of 200,000 sessions': (to) =>
		send(
			to,
			tool('completion/complete', {
				ref: { type: 'ref/resource', uri: 'session://{id}' },
				argument: { name: 'id', value: 'sess_' },
			}),
		),
	// The last one, because each later write of the caller owes messages, too.
	'steps of 100 tiny events with ten webhooks of 20 names': async (to) => {
		webhooks ??= makeWebhooks(to);
		await webhooks;
		return send(to, post(`/${sessionId(HOOKED)}/steps`, tinyStep));
	},
};

/** Makes the sessions of the attacker. */
export async function fillByNumber({ d1 }: Contender): Promise<void> {
	const own = (from: number, count: number) => insertSessions(d1, { from, count, owner: OWNER, plan: '{}' });
	await own(FOLLOWED.from, FOLLOWED.count);
	await own(CHANGED, 3);
	await own(SMALL.from, SMALL.count);
	await own(MANY.from, MANY.count);
	await insertEvents(d1, { sessions: { from: EVENTFUL, count: 1 }, from: 1, count: EVENTS });
	await changeOften(d1, sessionId(CHANGED));
}

/** Makes versions of one session. In each, the number at the beginning of a plan of 400 KB has more or fewer digits than before. */
async function changeOften(d1: D1Database, id: string): Promise<void> {
	const text = 'x'.repeat(398_000);
	const head = '{"n":'.length;
	const tail = `,"text":"${text}"}`.length;
	const before = (number: string): string => JSON.stringify([[0, head, tail, number]]);
	await d1.batch([
		d1
			.prepare(
				`INSERT INTO versions (session_id, version, bytes, bytes_before, after_event, changed, next_after_event,
					next_changed, status, expires_at, updated_at, plan)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
				SELECT ?1, i, 240, 240 * (i - 1), 0, iif(i = 1, '', 'plan'), 0, 'plan', 'intake',
					'2999-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', iif(i % 2, ?3, ?4) FROM n`,
			)
			.bind(id, VERSIONS, before('1'), before('22')),
		d1
			.prepare('UPDATE sessions SET version = ?2, plan = ?3 WHERE id = ?1')
			.bind(id, VERSIONS + 1, `{"n":1,"text":"${text}"}`),
	]);
}

import { objectOf } from './broken-server/breakage.ts';
import { type CallName, facts } from './reference-facts.ts';

/**
 * A server that follows the document of the reference, made from its facts, and shares nothing with the service. Where the
 * document leaves a choice, it differs from the service: the form of ids and times, the order of members and of the list,
 * further members, events of its own, a limit of any size, no check of what is sent, and a 404 for everything that it does
 * not know.
 */

type Json = Record<string, unknown>;

export const KEYS = { full: 'full-key', readOnly: 'read-only-key' };

const SESSION_FIELDS = facts.$defs.session.required;
const EVENT_FIELDS = facts.$defs.event.required;

/** The calls of the document, each with a pattern of its path. */
const calls = Object.entries(facts.calls).map(([name, { request, answers }]) => {
	const [method = '', path = ''] = request.split(' ');
	return {
		name: name as CallName,
		method,
		pattern: new RegExp(`^${path.replace('{id}', '([^/]+)')}$`),
		success: Number(Object.keys(answers).find((status) => status.startsWith('2'))),
		mayBeForbidden: Object.hasOwn(answers, '403'),
	};
});

const respond = (status: number, body: unknown) => Response.json(body, { status });

/** The members of a body that a call defines, whatever their values. */
function definedBy(call: CallName, body: Json): Json {
	const fields = Object.keys((facts.calls[call] as { body?: object }).body ?? {});
	return Object.fromEntries(Object.entries(body).filter(([name]) => fields.includes(name)));
}

const withNulls = (fields: readonly string[], values: Json): Json =>
	Object.fromEntries(fields.map((field) => [field, values[field] ?? null]));

/** Starts the server without any session. Returns what responds to a request. */
export function referenceServer(): (request: Request) => Promise<Response> {
	const sessions = new Map<string, { session: Json; events: Json[] }>();
	let made = 0;
	const newId = (kind: string) => {
		made += 1;
		return `${kind}:${made}:é`;
	};
	const now = () => `${new Date().toISOString().slice(0, 19)}+00:00`;

	const does: Record<
		CallName,
		(stored: { session: Json; events: Json[] }, sent: Json, query: URLSearchParams) => unknown
	> = {
		list(_, __, query) {
			const [limit, offset] = [Number(query.get('limit') ?? 20), Number(query.get('offset') ?? 0)];
			const status = query.get('status');
			const all = Array.from(sessions.values(), ({ session }) => session).filter(
				(session) => status === null || session.status === status,
			);
			return { pagination: { total: all.length, offset, limit }, data: all.slice(offset, offset + limit) };
		},
		create(stored, sent) {
			const id = newId('session');
			Object.assign(stored.session, {
				...withNulls(SESSION_FIELDS, { id, userId: 'me', status: 'intake', ...sent }),
				...{ expiresAt: 'in a week', createdAt: now(), updatedAt: now(), links: [] },
			});
			sessions.set(id, stored);
			does.append(stored, { type: 'created' }, new URLSearchParams());
			return stored.session;
		},
		details: ({ session, events }) => ({ events: events.toReversed(), ...session }),
		update: ({ session }, sent) => Object.assign(session, sent, { updatedAt: now() }),
		delete({ session }) {
			return { success: sessions.delete(String(session.id)) };
		},
		append({ session, events }, sent) {
			const { id: sessionId, userId } = session;
			const event = withNulls(EVENT_FIELDS, {
				id: newId('event'),
				sessionId,
				userId,
				payload: {},
				createdAt: now(),
				...sent,
			});
			events.push(event);
			return event;
		},
	};

	return async (request) => {
		const url = new URL(request.url);
		const call = calls.find(({ method, pattern }) => method === request.method && pattern.test(url.pathname));
		if (!call) return respond(404, { error: 'Nothing here.' });
		const key = request.headers.get('Authorization')?.replace('Bearer ', '') ?? '';
		if (!Object.values(KEYS).includes(key)) return respond(401, { error: 'Who are you?' });
		if (call.mayBeForbidden && key === KEYS.readOnly) return respond(403, { error: 'You may not.' });
		const id = call.pattern.exec(url.pathname)?.[1];
		const stored = id === undefined ? { session: {}, events: [] } : sessions.get(decodeURIComponent(id));
		if (!stored)
			return respond(404, { error: 'No such session.', details: [{ message: 'It is not there.' }] });
		const text = await request.text();
		const body = objectOf(text === '' ? '{}' : text);
		if (!body) return respond(500, { error: 'That is no object.' });
		const sent = definedBy(call.name, body);
		return respond(call.success, does[call.name](stored, sent, url.searchParams));
	};
}

import type {
	ListResourcesResult,
	ReadResourceResult,
	ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { ApiError } from '../core/errors.ts';
import { SESSION_ID } from '../core/session-reference.ts';
import type { EventPage } from '../events/schema.ts';
import { sessionFields } from '../sessions/fields.ts';
import type { Session, SessionList } from '../sessions/schema.ts';
import { fittingItems, fittingMembers, MAX_ANSWER } from './answer-size.ts';
import { BEFORE_ALL } from './arguments.ts';
import type { Served } from './tool.ts';

const JSON_TYPE = 'application/json';
const IN_LIST = 50;
const EVENTS = 100;
/** The protocol's most values of a completion. */
const MAX_COMPLETED = 100;

export const resourceTemplates: ResourceTemplateType[] = [
	{
		name: 'session',
		title: 'Session',
		uriTemplate: 'session://{id}',
		description: `A session with its objects: {"etag", "session", "omitted"}. At most ${MAX_ANSWER} characters; omitted names what did not fit, for the tool get_session.`,
		mimeType: JSON_TYPE,
	},
	{
		name: 'events',
		title: 'Events of a session',
		uriTemplate: 'session://{id}/events{?after}',
		description: `The events of a session after one of them, oldest first: {"events", "hasMore", "nextAfter"}. At most ${MAX_ANSWER} characters, or one event.`,
		mimeType: JSON_TYPE,
	},
];

/** What a URI names. */
interface SessionResource {
	sessionId: string;
	kind: 'session' | 'events';
	after: string | undefined;
}

/** Reads a URI of one of the templates. Returns undefined for another one. */
export function resourceOf(uri: string): SessionResource | undefined {
	const [, sessionId = '', events, after] =
		/^session:\/\/([^/?#]+)(?:(\/events)(?:\?after=([^&#]*))?)?$/.exec(uri) ?? [];
	if (!SESSION_ID.test(sessionId)) return undefined;
	return { sessionId, kind: events === undefined ? 'session' : 'events', after };
}

/** Reads a resource. Returns undefined when there is no such resource for this caller. Throws what the calls throw. */
export async function readResource(uri: string, { rest }: Served): Promise<ReadResourceResult | undefined> {
	const resource = resourceOf(uri);
	if (!resource) return undefined;
	const content = await contentOf(resource, rest).catch((error: unknown) => {
		if (error instanceof ApiError && error.code === 'SESSION_NOT_FOUND') return undefined;
		throw error;
	});
	return content && { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(content) }] };
}

async function contentOf({ sessionId, kind, after }: SessionResource, rest: Served['rest']): Promise<object> {
	if (kind === 'session') {
		const query = { fields: sessionFields.join() };
		const { json, etag } = await rest<Session>({ method: 'GET', path: [sessionId], query });
		const { fitting, omitted } = fittingMembers(json);
		return { etag, session: fitting, omitted };
	}
	const query = { after, limit: String(EVENTS) };
	const { json } = await rest<EventPage>({ method: 'GET', path: [sessionId, 'events'], query });
	const events = fittingItems(json.data);
	return {
		events,
		hasMore: json.hasMore || events.length < json.data.length,
		nextAfter: events.at(-1)?.id ?? after,
	};
}

/** Lists the newest sessions after one of them. A key for one session lists that session alone. */
export async function listResources(after: string | undefined, served: Served): Promise<ListResourcesResult> {
	const sessions = await newestSessions(served, { after, limit: IN_LIST + 1 });
	const page = sessions.slice(0, IN_LIST);
	const next = sessions.length > IN_LIST ? page.at(-1)?.id : undefined;
	return {
		resources: page.map(({ id, status, updatedAt }) => ({
			uri: `session://${id}`,
			name: id,
			description: `In the status ${status}.`,
			mimeType: JSON_TYPE,
			annotations: { lastModified: updatedAt },
		})),
		...(next === undefined ? {} : { nextCursor: next }),
	};
}

/** The ids of the newest sessions that begin with a text. */
export async function completedIds(beginning: string, served: Served): Promise<string[]> {
	const sessions = await newestSessions(served, { limit: MAX_COMPLETED });
	return sessions.map(({ id }) => id).filter((id) => id.startsWith(beginning));
}

type Listed = Pick<Session, 'id' | 'status' | 'updatedAt'>;
const LISTED = 'id,status,updatedAt';

async function newestSessions(
	{ c, rest }: Served,
	{ after = BEFORE_ALL, limit }: { after?: string | undefined; limit: number },
): Promise<Listed[]> {
	const { sessionId } = c.get('principal');
	if (sessionId !== null) {
		const { json } = await rest<Listed>({ method: 'GET', path: [sessionId], query: { fields: LISTED } });
		return [json];
	}
	const query = { after, limit: String(limit), fields: LISTED };
	return (await rest<SessionList>({ method: 'GET', query })).json.data;
}

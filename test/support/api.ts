import { env, exports } from 'cloudflare:workers';
import { issueKey } from '../../src/auth/issue-key.ts';
import type { Permission } from '../../src/core/principal.ts';
import { openDatabase } from '../../src/database/database.ts';
import type { Event } from '../../src/events/schema.ts';
import type { Session, SessionDetails } from '../../src/sessions/schema.ts';
import { expectDocumented } from './documented.ts';

export const ORIGIN = 'https://api.test';
export const SESSIONS = '/v1/products/generation/sessions';

/** Responds to requests: the Worker itself, or something that a test puts before it. */
export type Fetcher = (request: Request) => Promise<Response>;
const worker: Fetcher = (request) => exports.default.fetch(request);

export interface CallOptions {
	/** A value that is sent as JSON. `raw` is sent unchanged. */
	body?: unknown;
	raw?: BodyInit;
	headers?: Record<string, string>;
}

export interface Answer<T = unknown> {
	status: number;
	headers: Headers;
	text: string;
	json: T;
}

/** A caller with a new key. */
export interface Caller {
	key: string;
	userId: string;
	organizationId: string | null;
	call<T = Record<string, unknown>>(method: string, path: string, options?: CallOptions): Promise<Answer<T>>;
	create(body?: unknown): Promise<Session>;
	append(id: string, body?: unknown): Promise<Event>;
	details(id: string): Promise<SessionDetails>;
}

let callers = 0;

/** Stores an API key for a new user. */
export async function newKey(
	request: {
		userId?: string;
		organizationId?: string | null;
		permissions?: Permission[];
		expiresAt?: string | null;
	} = {},
) {
	callers += 1;
	return issueKey(openDatabase(env.DB), {
		userId: request.userId ?? `user_${callers}_${crypto.randomUUID().slice(0, 8)}`,
		organizationId: request.organizationId ?? null,
		name: null,
		permissions: request.permissions ?? ['*'],
		environment: 'test',
		expiresAt: request.expiresAt ?? null,
	});
}

/** Creates a caller: a new user or the given one, with a new key. */
export async function newCaller(
	request: Parameters<typeof newKey>[0] & { fetcher?: Fetcher } = {},
): Promise<Caller> {
	const { key, row } = await newKey(request);
	return callerWith(
		key,
		{ userId: row.user_id, organizationId: row.organization_id },
		request.fetcher ?? worker,
	);
}

/** A caller that sends any text as its credentials. */
export function callerWith(
	key: string,
	owner: { userId: string; organizationId: string | null },
	fetcher: Fetcher = worker,
): Caller {
	const call: Caller['call'] = async <T>(method: string, path: string, options: CallOptions = {}) => {
		const headers = new Headers({ Authorization: `Bearer ${key}`, ...options.headers });
		let body = options.raw;
		if (options.body !== undefined) {
			body = JSON.stringify(options.body);
			if (!headers.has('Content-Type')) headers.set('Content-Type', 'application/json');
		}
		const request = new Request(ORIGIN + path, { method, headers, ...(body === undefined ? {} : { body }) });
		return answerOf<T>(request, await fetcher(request));
	};
	const must = async <T>(wanted: number, answer: Promise<Answer<T>>) => {
		const { status, json, text } = await answer;
		if (status !== wanted) throw new Error(`${status}: ${text}`);
		return json;
	};
	return {
		key,
		...owner,
		call,
		create: (body = {}) => must(201, call<Session>('POST', SESSIONS, { body })),
		append: (id, body = { type: 'note' }) =>
			must(201, call<Event>('POST', `${SESSIONS}/${id}/events`, { body })),
		details: (id) => must(200, call<SessionDetails>('GET', `${SESSIONS}/${id}`)),
	};
}

/** Sends a request unchanged, without adding credentials. */
export const send = async <T = Record<string, unknown>>(
	path: string,
	init?: RequestInit,
): Promise<Answer<T>> => {
	const request = new Request(ORIGIN + path, init);
	return answerOf<T>(request, await worker(request));
};

/** Reads a response, and checks it against the OpenAPI document. */
async function answerOf<T>(request: Request, response: Response): Promise<Answer<T>> {
	const text = await response.text();
	expectDocumented(request, response, text);
	const isJson = response.headers.get('Content-Type')?.includes('json') ?? false;
	return {
		status: response.status,
		headers: response.headers,
		text,
		json: (isJson && text !== '' ? JSON.parse(text) : undefined) as T,
	};
}

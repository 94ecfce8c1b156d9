import { describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { errorStatus } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';
import { newCaller, ORIGIN, SESSIONS, send } from '../support/api.ts';
import { expectDocumented } from '../support/documented.ts';

interface Operation {
	operationId: string;
	summary: string;
	security: object[];
	parameters?: ({ $ref?: string } & Record<string, unknown>)[];
	requestBody?: { required?: boolean; content: Record<string, { schema: { $ref: string } }> };
	responses: Record<string, { $ref?: string; headers?: object; content?: object }>;
}
interface Document {
	openapi: string;
	paths: Record<string, Record<string, Operation>>;
	components: {
		schemas: Record<string, { properties: Record<string, Record<string, unknown>>; examples?: unknown[] }>;
		securitySchemes: Record<string, object>;
		responses: Record<string, { content: { 'application/json': { examples: Record<string, unknown> } } }>;
	};
}

const { json: document, status, headers } = await send<Document>('/openapi.json');
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
	Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
);
const operation = (id: string) =>
	operations.find(({ operation: { operationId } }) => operationId === id)?.operation;

/** The error codes in the document for a call. */
const codesOf = ({ responses }: Operation) =>
	Object.values(responses).flatMap(({ $ref }) => ($ref ? ($ref.split('/').at(-1)?.split('_or_') ?? []) : []));

describe('the OpenAPI document', () => {
	it('is OpenAPI 3.1, as JSON', () => {
		expect([status, document.openapi]).toEqual([200, '3.1.1']);
		expect(headers.get('Content-Type')).toContain('application/json');
	});

	it('lists exactly the mounted routes', () => {
		const mounted = app.routes
			// Middleware is mounted for all methods. The files of the reference page are not API calls, and the Model Context
			// Protocol describes itself.
			.filter(({ method, path }) => method !== 'ALL' && !/\/:file$|^\/mcp|^\/\.well-known/.test(path))
			.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
		const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
		expect(documented.sort()).toEqual([...new Set(mounted)].sort());
	});

	it('requires credentials of either kind on the calls on sessions and webhooks, and only there', () => {
		expect(Object.keys(document.components.securitySchemes)).toEqual(['apiKey', 'clerkSession']);
		for (const { path, operation: each } of operations) {
			expect(each.security, path).toEqual(
				path.startsWith('/v1/') ? [{ apiKey: [] }, { clerkSession: [] }] : [],
			);
		}
	});

	it('lists every error code that a call can return', () => {
		const always = ['UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMITED', 'INTERNAL_ERROR', 'DATABASE_UNAVAILABLE'];
		const ofBody = [
			'INVALID_JSON',
			'VALIDATION_ERROR',
			'REQUEST_TIMEOUT',
			'PAYLOAD_TOO_LARGE',
			'UNSUPPORTED_MEDIA_TYPE',
		];
		const expected: Record<string, string[]> = {
			listSessions: ['VALIDATION_ERROR'],
			createSession: [
				...ofBody,
				'SESSION_NOT_FOUND',
				'VERSION_NOT_FOUND',
				'IDEMPOTENCY_KEY_REUSED',
				'QUOTA_EXCEEDED',
			],
			getSession: ['VALIDATION_ERROR', 'SESSION_NOT_FOUND', 'VERSION_NOT_FOUND', 'PRECONDITION_FAILED'],
			listVersions: ['VALIDATION_ERROR', 'SESSION_NOT_FOUND'],
			updateSession: [...ofBody, 'SESSION_NOT_FOUND', 'PRECONDITION_FAILED'],
			deleteSession: ['SESSION_NOT_FOUND', 'PRECONDITION_FAILED'],
			listEvents: ['VALIDATION_ERROR', 'SESSION_NOT_FOUND'],
			appendEvent: [...ofBody, 'SESSION_NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED', 'QUOTA_EXCEEDED'],
			addStep: [
				...ofBody,
				'SESSION_NOT_FOUND',
				'PRECONDITION_FAILED',
				'IDEMPOTENCY_KEY_REUSED',
				'QUOTA_EXCEEDED',
			],
			createSessionKey: [...ofBody, 'SESSION_NOT_FOUND', 'QUOTA_EXCEEDED'],
			revokeSessionKey: ['VALIDATION_ERROR', 'SESSION_NOT_FOUND', 'NOT_FOUND'],
		};
		for (const { path, operation: each } of operations.filter(({ path }) => path.startsWith(SESSIONS))) {
			const codes = [...(expected[each.operationId] ?? []), ...always];
			expect(codesOf(each).sort(), `${each.operationId} ${path}`).toEqual(codes.sort());
		}
		const used = new Set([...operations.flatMap(({ operation: each }) => codesOf(each))]);
		const anyPath = ['NOT_FOUND', 'METHOD_NOT_ALLOWED'];
		expect([...used.union(new Set(anyPath))].sort()).toEqual(Object.keys(errorStatus).sort());
	});

	it('gives limits as maxLength', () => {
		const { CreateSession, UpdateSession, AppendEvent } = document.components.schemas;
		expect(CreateSession?.properties.catalogVersion?.maxLength).toBe(limits.name);
		expect(UpdateSession?.properties.productObjectHash?.maxLength).toBe(limits.name);
		expect(AppendEvent?.properties.type).toMatchObject({ minLength: 1, maxLength: limits.name });
		expect(AppendEvent?.properties.message?.maxLength).toBe(limits.message);
	});

	it('allows the values of a list that the service accepts, and no body for an update', () => {
		const parameter = (name: string) =>
			operation('listSessions')?.parameters?.find((each) => each.name === name)?.schema;
		expect(parameter('limit')).toMatchObject({ type: 'integer', minimum: 1, default: 20 });
		expect(parameter('limit')).toHaveProperty('maximum', Number.MAX_SAFE_INTEGER);
		expect(parameter('status')).toEqual({ type: 'string', description: expect.any(String) });
		for (const id of ['createSession', 'updateSession']) {
			expect(operation(id)?.requestBody?.required ?? false, id).toBe(false);
		}
	});

	it('documents both media types of an update', () => {
		expect(Object.keys(operation('updateSession')?.requestBody?.content ?? {})).toEqual([
			'application/json',
			'application/merge-patch+json',
		]);
	});

	it('has examples that the service itself accepts', async () => {
		const caller = await newCaller();
		const exampleOf = (name: string, at = 0) => document.components.schemas[name]?.examples?.[at];
		const created = await caller.call('POST', SESSIONS, { body: exampleOf('CreateSession') });
		const path = `${SESSIONS}/${created.json.id}`;
		const answers = [
			created,
			await caller.call('PATCH', path, { body: exampleOf('UpdateSession') }),
			await caller.call('PATCH', path, {
				body: exampleOf('MergeSession'),
				headers: { 'Content-Type': 'application/merge-patch+json' },
			}),
			await caller.call('POST', `${path}/events`, { body: exampleOf('AppendEvent') }),
			await caller.call('POST', `${path}/steps`, { body: exampleOf('AppendStep') }),
			await caller.call('POST', `${path}/keys`, { body: exampleOf('CreateSessionKey') }),
			await caller.call('POST', `${path}/keys`, { body: exampleOf('CreateSessionKey', 1) }),
		];
		expect(answers.map((answer) => answer.status)).toEqual([201, 200, 200, 201, 201, 201, 201]);
	});

	it('has examples of responses that match their schemas', () => {
		const { schemas, responses } = document.components;
		const answered = (method: string, path: string, code: number, body: unknown) => {
			const text = JSON.stringify(body);
			const fitting = {
				'X-Request-Id': 'id',
				'X-D1-Bookmark': '0'.repeat(59),
				ETag: '"1"',
				'Retry-After': '1',
				'WWW-Authenticate': 'Bearer realm="x"',
			};
			expectDocumented(
				new Request(ORIGIN + path, { method }),
				Response.json(body, { status: code, headers: fitting }),
				text,
			);
		};
		answered('POST', SESSIONS, 201, schemas.Session?.examples?.[0]);
		answered(
			'POST',
			`${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b/events`,
			201,
			schemas.SessionEvent?.examples?.[0],
		);
		const examples = Object.values(responses).flatMap(({ content }) =>
			Object.entries(content['application/json'].examples as Record<string, { value: unknown }>),
		);
		expect(examples.length).toBeGreaterThan(10);
		for (const [code, { value }] of examples) {
			const each = errorStatus[code as keyof typeof errorStatus];
			const call = operations.find((one) => codesOf(one.operation).includes(code));
			answered(call?.method.toUpperCase() ?? '', call?.path.replaceAll(/\{\w+\}/g, 'x') ?? '', each, value);
		}
	});
});

describe('the check of responses against the document', () => {
	const session = document.components.schemas.Session?.examples?.[0] as Record<string, unknown>;
	const check = (body: unknown, options: { status?: number; headers?: Record<string, string> } = {}) => {
		const text = JSON.stringify(body);
		const all = { 'X-Request-Id': 'id', 'X-D1-Bookmark': '0'.repeat(59), ETag: '"1"', ...options.headers };
		const response = Response.json(body, { status: options.status ?? 201, headers: all });
		return () => expectDocumented(new Request(ORIGIN + SESSIONS, { method: 'POST' }), response, text);
	};

	it('accepts a response that matches the document', () => expect(check(session)).not.toThrow());

	it('rejects a response that does not match the document', () => {
		const { userId, ...rest } = session;
		expect(check(rest)).toThrow('userId');
		expect(check({ ...session, more: 1 })).toThrow('more');
		expect(check({ ...session, prd: [] })).toThrow('prd');
		expect(check({ ...session, status: 'odd' })).toThrow('status');
		expect(check(session, { status: 202 })).toThrow('not documented');
		expect(check(session, { headers: { ETag: '1' } })).toThrow('ETag');
		const error = { error: 'No.', code: 'FORBIDDEN', requestId: 'id' };
		expect(check(error, { status: 403 })).not.toThrow();
		expect(check({ ...error, code: 'SESSION_NOT_FOUND' }, { status: 403 })).toThrow('code');
	});
});

describe('what generators make clients of', () => {
	/** Every schema of the document, with the place of each. */
	function schemasIn(value: unknown, place = ''): { place: string; schema: Record<string, unknown> }[] {
		if (typeof value !== 'object' || value === null) return [];
		const inside = Object.entries(value).flatMap(([key, part]) => schemasIn(part, `${place}/${key}`));
		return [{ place, schema: value as Record<string, unknown> }, ...inside];
	}
	const all = schemasIn({ paths: document.paths, components: document.components });

	it('has a pattern only where the type is a string', () => {
		const patterns = all.filter(({ schema }) => typeof schema.pattern === 'string');
		expect(patterns.length).toBeGreaterThan(10);
		expect(patterns.filter(({ schema }) => ![schema.type].flat().includes('string'))).toEqual([]);
	});

	it('has no pattern that cannot stand between slashes in JavaScript', () => {
		const patterns = all.map(({ schema }) => schema.pattern).filter((each) => typeof each === 'string');
		expect(patterns.filter((pattern) => /[\n\r\u2028\u2029]|\\u/.test(pattern))).toEqual([]);
	});

	it('has a description for each parameter in a query', () => {
		const parameters = operations.flatMap(({ operation: each }) => each.parameters ?? []);
		const ofQueries = parameters.filter((parameter) => parameter.in === 'query');
		expect(ofQueries.length).toBeGreaterThan(6);
		expect(ofQueries.filter(({ description }) => !description)).toEqual([]);
	});

	it('has one schema for each response, in which all fields of a session are required', () => {
		for (const id of ['listSessions', 'getSession']) {
			const content = operation(id)?.responses[200]?.content as Record<string, { schema: { $ref?: string } }>;
			expect(content['application/json']?.schema.$ref).toMatch(/\/(SessionList|SessionDetails)$/);
		}
		for (const name of ['Session', 'SessionDetails']) {
			const { properties, required } = document.components.schemas[name] as {
				properties: object;
				required?: string[];
			};
			expect(required).toEqual(Object.keys(properties));
		}
	});

	it('has no default that breaks a call which is sent with all defaults', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const { json: page } = await caller.call('GET', `${SESSIONS}/${id}/events`);
		const [event] = page.data as { id: string }[];
		const defaults = new Map(
			['listSessions', 'listEvents'].map((name) => {
				const query = new URLSearchParams();
				for (const { in: where, name: key, schema } of operation(name)?.parameters ?? []) {
					const absent = (schema as { default?: unknown } | undefined)?.default;
					if (where === 'query' && absent !== undefined) query.set(String(key), String(absent));
				}
				return [name, query] as const;
			}),
		);
		expect(defaults.get('listSessions')?.size).toBe(2);
		expect(defaults.get('listEvents')?.size).toBe(1);
		for (const [path, query] of [
			[SESSIONS, `${defaults.get('listSessions')}`],
			[SESSIONS, `${defaults.get('listSessions')}&after=${id}&status=intake&fields=id`],
			[`${SESSIONS}/${id}/events`, `${defaults.get('listEvents')}&after=${event?.id}`],
		]) {
			expect([query, (await caller.call('GET', `${path}?${query}`)).status]).toEqual([query, 200]);
		}
		const { default: expiresInSeconds } =
			document.components.schemas.CreateSessionKey?.properties.expiresInSeconds ?? {};
		const made = await caller.call('POST', `${SESSIONS}/${id}/keys`, { body: { expiresInSeconds } });
		expect(made.status).toBe(201);
	});
});

describe('the pattern of a string in a request', () => {
	const patternOf = (schema: string, field: string) => {
		const property = document.components.schemas[schema]?.properties[field];
		return new RegExp(String(property?.pattern));
	};

	it('accepts the characters that the service accepts, and besides them only the two line separators', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const characters = [...'\u0000\t\n\r\u001f \u007f\u0080\u0085\u009f\u00a0\u2027\u2028\u2029\u202aé😀'];
		for (const character of characters) {
			const value = `a${character}b`;
			for (const field of ['type', 'stage', 'message']) {
				const body = { type: 'a', [field]: value };
				const { status } = await caller.call('POST', `${SESSIONS}/${id}/events`, { body });
				const isAllowed = patternOf('AppendEvent', field).test(value);
				const isSeparator = field !== 'message' && /[\u2028\u2029]/.test(character);
				expect([field, JSON.stringify(character), isAllowed]).toEqual([
					field,
					JSON.stringify(character),
					status === 201 || isSeparator,
				]);
			}
		}
	});

	it('accepts the types that a key may have', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const append = document.components.schemas.CreateSessionKey?.properties.append;
		const { items } = append as unknown as {
			items: { pattern: string; minLength: number; maxLength: number };
		};
		expect(items).toMatchObject({ minLength: 1, maxLength: limits.name });
		for (const type of [
			'a',
			'a.*',
			'*',
			'a b',
			'é😀',
			'**',
			'a*b',
			'*a',
			'a**',
			'a\tb',
			'a\u0000',
			'a\u0085*',
		]) {
			const { status } = await caller.call('POST', `${SESSIONS}/${id}/keys`, { body: { append: [type] } });
			expect([type, new RegExp(items.pattern).test(type)]).toEqual([type, status === 201]);
		}
	});
});

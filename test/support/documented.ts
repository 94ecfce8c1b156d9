import { type Schema, Validator } from '@cfworker/json-schema';
import { expect } from 'vitest';
import type { oas31 } from 'zod-openapi';
import { app } from '../../src/app.ts';
import { openApiDocument } from '../../src/docs/openapi.ts';
import { isObject } from '../../src/json/schema.ts';
import { detailsFields } from '../../src/sessions/fields.ts';

const document = openApiDocument(app.routes);
const patterns = Object.entries(document.paths ?? {}).map(([path, item]) => ({
	pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}/?$`),
	item: item as Record<string, oas31.OperationObject | undefined>,
}));
const validators = new Map<string, Validator>();

/** Resolves a reference into the document's components. */
function resolve<T>(item: T | { $ref: string }): T {
	if (typeof item !== 'object' || item === null || !('$ref' in item)) return item as T;
	const [, , kind = '', name = ''] = item.$ref.split('/');
	return (document.components as Record<string, Record<string, T>>)[kind]?.[name] as T;
}

/** The documented response to a request, or undefined when the path and method are not a documented call. */
function documentedAnswer(method: string, path: string, status: number) {
	const call = patterns.find(({ pattern }) => pattern.test(path));
	const name = method === 'HEAD' ? 'get' : method.toLowerCase();
	const operation = call?.item[name];
	if (!operation) return undefined;
	const documented = operation.responses?.[String(status) as '200'];
	expect(documented, `${method} ${path} answers ${status}, which is not documented`).toBeDefined();
	const answer = resolve(documented as oas31.ResponseObject);
	return { answer, key: `${operation.operationId} ${status}` };
}

/** The document's schemas for a response with `fields`, in which no field of a session is required. */
const schemas = document.components?.schemas as Record<string, oas31.SchemaObject>;
const sparseComponents = {
	schemas: {
		...schemas,
		Session: { ...schemas.Session, required: [] },
		SessionDetails: { ...schemas.SessionDetails, required: [] },
	},
};

/** Fails with the problems of a value that does not match a schema of the document. */
function expectValid(
	key: string,
	schema: unknown,
	value: unknown,
	components: object | undefined = document.components,
): void {
	const validator =
		validators.get(key) ?? new Validator({ ...(schema as Schema), components } as Schema, '2020-12', false);
	validators.set(key, validator);
	const { errors } = validator.validate(value);
	if (errors.length === 0) return;
	const problems = errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
	throw new Error(`${key}: ${problems.join('\n')}\n${JSON.stringify(value).slice(0, 500)}`);
}

/** Fails when the status, headers, media type or body of a response do not match the OpenAPI document. */
export function expectDocumented(request: Request, response: Response, text: string): void {
	const path = new URL(request.url).pathname;
	const documented = documentedAnswer(request.method, path, response.status);
	if (!documented) return;
	const { answer, key } = documented;
	for (const [name, reference] of Object.entries(answer.headers ?? {})) {
		const header = resolve(reference as oas31.HeaderObject);
		const value = response.headers.get(name);
		if (value === null) expect(header.required, `${key}: the header ${name} is missing`).not.toBe(true);
		else expectValid(`${key} ${name}`, header.schema, value);
	}
	if (request.method === 'HEAD') return;
	const mediaType = response.headers.get('Content-Type')?.split(';')[0] ?? '';
	const content = (answer.content ?? {}) as oas31.ContentObject;
	if (Object.keys(content).length === 0) {
		expect(text, key).toBe('');
		return;
	}
	expect(Object.keys(content), key).toContain(mediaType);
	// The validator fails on member names with lone surrogates, which are escaped in the response.
	const wellFormed = text.replaceAll(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (sequence) =>
		sequence.startsWith('\\ud') ? '\ufffd' : sequence,
	);
	const body: unknown = mediaType === 'application/json' ? JSON.parse(wellFormed) : text;
	const { searchParams } = new URL(request.url);
	const fields = response.ok && searchParams.has('fields') ? searchParams.getAll('fields').join() : null;
	const schema = content[mediaType]?.schema;
	if (fields === null) expectValid(key, schema, body);
	else {
		expectValid(`${key} with fields`, schema, body, sparseComponents);
		expectFields(key, body, fields.split(','));
	}
	if (isObject(body) && isObject(body.pagination)) {
		expect('hasMore' in body.pagination, `${key}: pagination of a page by place`).toBe(
			searchParams.has('after'),
		);
	}
}

/** Fails when a sparse response does not have exactly the requested fields, in the documented order. */
function expectFields(key: string, body: unknown, fields: readonly string[]): void {
	const expected = detailsFields.filter((field) => fields.includes(field));
	const sessions = isObject(body) && Array.isArray(body.data) ? body.data : [body];
	for (const session of sessions) expect(Object.keys(session as object), key).toEqual(expected);
}

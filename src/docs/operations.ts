import type { Handler } from 'hono';
import type { RouterRoute } from 'hono/types';
import * as z from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import type { ErrorCode } from '../core/errors.ts';
import { type Operation, operationOf, type Validated, validatedBy } from '../http/operation.ts';
import { requestHeaders, sessionIdInPath } from './parameters.ts';
import { errorResponses, successResponse } from './responses.ts';

/** A route of the app, with the declarations of its handlers. */
interface Route {
	method: string;
	/** The path in OpenAPI's notation: `/sessions/{id}`. */
	path: string;
	operation: Operation;
	validated: Validated[];
}

/** Every operation that the routes of an app declare, by path. */
export function pathsOf(routes: readonly RouterRoute[]): ZodOpenApiPathsObject {
	const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
	for (const route of declaredRoutes(routes)) {
		paths[route.path] = { ...paths[route.path], [route.method]: operationObject(route) };
	}
	return paths;
}

/** Hono lists a route once for each of its handlers. */
function declaredRoutes(routes: readonly RouterRoute[]): Route[] {
	const handlersByRoute = Map.groupBy(routes, ({ method, path }) => `${method} ${path}`);
	return Array.from(handlersByRoute.values()).flatMap((same) => {
		const handlers = same.map(({ handler }) => handler as Handler);
		const [operation] = handlers.map(operationOf).filter((each) => each !== undefined);
		const [first] = same;
		if (!operation || !first) return [];
		return [
			{
				method: first.method.toLowerCase(),
				path: first.path.replaceAll(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, ''),
				operation,
				validated: handlers.map(validatedBy).filter((each) => each !== undefined),
			},
		];
	});
}

function operationObject(route: Route): ZodOpenApiOperationObject {
	const { operation, path, validated } = route;
	const { id, tag, summary, description, permission } = operation;
	const body = validated.find((each) => each.target === 'body');
	const query = validated.find((each) => each.target === 'query');
	const usesDatabase = permission !== undefined || operation.usesDatabase === true;
	const headers = requestHeaders(operation.headers ?? [], permission !== undefined && route.method === 'get');
	const responses = Object.entries(operation.responses).map(([status, response]) => [
		status,
		successResponse(response, {
			fromDatabase: usesDatabase,
			replayable: operation.headers?.includes('Idempotency-Key') ?? false,
		}),
	]);
	return {
		operationId: id,
		tags: [tag],
		summary,
		description:
			permission === undefined ? description : `${description}\n\nNeeds the permission \`${permission}\`.`,
		security: permission === undefined ? [] : [{ apiKey: [] }, { clerkSession: [] }],
		...(permission === undefined
			? {}
			: {
					requestParams: {
						...(path.includes('{') ? { path: idsInPath(route) } : {}),
						...(query ? { query: query.schema as z.ZodObject } : {}),
						header: headers,
					},
				}),
		...(body
			? {
					requestBody: {
						...(body.required ? { required: true } : {}),
						content: Object.fromEntries(
							Object.entries(body.schemas).map(([mediaType, schema]) => [mediaType, { schema }]),
						),
					},
				}
			: {}),
		responses: { ...Object.fromEntries(responses), ...errorResponses(...errorsOf(route)) },
	};
}

/** The ids in the path of a route, in the order of the path. */
const idsInPath = ({ operation, path }: Route) =>
	z.object({ ...(path.includes('{id}') ? { id: sessionIdInPath } : {}), ...operation.path });

/**
 * The error codes that a route can return. They follow from the checks of its handlers, except for those that it
 * declares.
 */
function errorsOf({ operation, path, validated }: Route): ErrorCode[] {
	const { permission, headers = [], errors = [], usesDatabase } = operation;
	const codes = new Set<ErrorCode>(errors);
	if (validated.length > 0) codes.add('VALIDATION_ERROR');
	if (validated.some(({ target }) => target === 'body')) {
		for (const code of [
			'INVALID_JSON',
			'REQUEST_TIMEOUT',
			'PAYLOAD_TOO_LARGE',
			'UNSUPPORTED_MEDIA_TYPE',
		] as const)
			codes.add(code);
	}
	if (path.includes('{id}')) codes.add('SESSION_NOT_FOUND');
	if (headers.includes('If-Match')) codes.add('PRECONDITION_FAILED');
	if (headers.includes('Idempotency-Key')) codes.add('IDEMPOTENCY_KEY_REUSED');
	if (permission !== undefined) {
		for (const code of ['UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMITED'] as const) codes.add(code);
	}
	if (permission !== undefined || usesDatabase) codes.add('DATABASE_UNAVAILABLE');
	codes.add('INTERNAL_ERROR');
	return [...codes];
}

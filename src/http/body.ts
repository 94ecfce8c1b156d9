import type { Context, MiddlewareHandler } from 'hono';
import type { z } from 'zod';
import { ApiError, validationError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { nestsDeeperThan } from '../json/depth.ts';
import { jsonText } from '../json/json-text.ts';
import { isObject, rawMembers, scanMembers } from '../json/raw-members.ts';
import type { AppEnv } from './context.ts';
import { documentedValidator } from './operation.ts';
import { readBody } from './read-body.ts';
import { parsed } from './validate.ts';

export const JSON_TYPE = 'application/json';
/** RFC 7396. */
export const MERGE_PATCH_TYPE = 'application/merge-patch+json';

/** The media type of the request body, in lower case and without parameters. */
export const mediaTypeOf = (c: Context<AppEnv>): string | undefined =>
	c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase();

type Schemas = Readonly<Record<string, z.ZodObject>>;

/**
 * Reads and validates a JSON body, by the schema of its media type. `absent: 'is {}'` lets a request without a body through.
 * Each member that holds an object reaches the handler as its stored form (JsonText). Members that the schema does not
 * define are ignored, whatever they hold.
 * Throws UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, INVALID_JSON, VALIDATION_ERROR.
 */
export function jsonBody<S extends Schemas>(schemas: S, { absent }: { absent?: 'is {}' } = {}) {
	type Body = S[keyof S];
	const handler: MiddlewareHandler<
		AppEnv,
		string,
		{ in: { json: z.input<Body> }; out: { json: z.output<Body> } }
	> = async (c, next) => {
		const bytes = await readBody(c);
		const isAbsent = bytes.byteLength === 0 && absent !== undefined;
		const schema = isAbsent ? Object.values(schemas)[0] : schemaFor(c, schemas);
		if (!schema) throw unsupported(Object.keys(schemas));
		const names = Object.keys(schema.shape);
		const body = isAbsent ? {} : withJsonTexts(decode(bytes), bytes.byteLength, names);
		c.req.addValidatedData('json', parsed(schema, body) as object);
		return next();
	};
	return documentedValidator(handler, { target: 'body', schemas, required: absent === undefined });
}

/** The schema for the body's media type. Undefined for another media type, and for a body with a content coding. */
function schemaFor(c: Context<AppEnv>, schemas: Schemas): z.ZodObject | undefined {
	const coding = c.req.header('Content-Encoding')?.trim().toLowerCase();
	if (coding && coding !== 'identity') return undefined;
	const mediaType = mediaTypeOf(c);
	return mediaType !== undefined && Object.hasOwn(schemas, mediaType) ? schemas[mediaType] : undefined;
}

const unsupported = (mediaTypes: readonly string[]): ApiError =>
	new ApiError(
		'UNSUPPORTED_MEDIA_TYPE',
		`Send the body as ${mediaTypes.join(' or ')}, without a content coding.`,
	);

/** Parses a JSON text. Of an object it keeps the members with these names, and puts JsonText in place of each object. */
function withJsonTexts(text: string, bytes: number, names: readonly string[]): unknown {
	const body = parse(text);
	if (!isObject(body)) return body;
	const known = names.filter((name) => Object.hasOwn(body, name));
	const isDeep = nestsDeeperThan(limits.nesting + 1, body);
	if (isDeep) refuseDeepMembers(body, known);
	const texts = isDeep ? scanMembers(text) : rawMembers(text, body);
	return Object.fromEntries(
		known.map((name) => {
			const member = texts.get(name);
			return [name, isObject(body[name]) && member !== undefined ? jsonText(member, bytes) : body[name]];
		}),
	);
}

/** RFC 8259, section 8.1: JSON is UTF-8. Replacing invalid bytes would store what nobody sent, so they are refused. */
function decode(bytes: ArrayBuffer): string {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch (cause) {
		throw new ApiError('INVALID_JSON', 'The body is not valid UTF-8.', { cause });
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new ApiError('INVALID_JSON', 'The body is not valid JSON.', { cause });
	}
}

function refuseDeepMembers(body: Readonly<Record<string, unknown>>, names: readonly string[]): void {
	const deep = names.filter((name) => nestsDeeperThan(limits.nesting, body[name]));
	if (deep.length > 0) {
		throw validationError(
			deep.map((path) => ({ path, message: `must not nest deeper than ${limits.nesting} levels` })),
		);
	}
}

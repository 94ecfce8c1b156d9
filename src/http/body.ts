import type { Context, MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { ApiError, validationError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { nestsDeeperThan } from '../json/depth.ts';
import { jsonText } from '../json/json-text.ts';
import { isObject, rawItems, rawMembers, scanItems, scanMembers } from '../json/raw-members.ts';
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
 * Reads and validates a JSON body by the schema of its media type. `absent: 'is {}'` allows a request without a body.
 * The handler gets each object that the schema takes whole (sentObject) in its stored form (JsonText), at any depth.
 * Members that the schema does not define are ignored at each level, whatever they contain.
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
		const body = isAbsent ? {} : withJsonTexts(schema, decode(bytes), bytes.byteLength);
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

/** Parses a body, and replaces each object that its schema takes whole by JsonText. */
function withJsonTexts(schema: z.ZodType, text: string, bytes: number): unknown {
	const body = parse(text);
	const isDeep = nestsDeeperThan(limits.nesting + 1, body);
	if (isDeep) refuseDeepObjects(schema, body);
	return kept(schema, body, text, { bytes, isDeep });
}

/**
 * Returns the part of a value that its schema defines: without unknown members, and with JsonText in place of each
 * object that it takes whole. `text` is the value as sent.
 */
function kept(
	schema: z.core.$ZodType,
	value: unknown,
	text: string,
	body: { bytes: number; isDeep: boolean },
): unknown {
	const known = withoutWrappers(schema);
	if (known instanceof z.ZodCustom) return isObject(value) ? jsonText(text, body.bytes) : value;
	if (known instanceof z.ZodObject && isObject(value)) {
		const texts = body.isDeep ? scanMembers(text) : rawMembers(text, value);
		return Object.fromEntries(
			knownMembers(known, value).map(([name, member]) => [
				name,
				kept(member, value[name], texts.get(name) ?? '', body),
			]),
		);
	}
	if (known instanceof z.ZodArray && Array.isArray(value)) {
		const texts = body.isDeep ? scanItems(text) : rawItems(text, value);
		return firstItems(value).map((item, at) => kept(known.element, item, texts[at] ?? '', body));
	}
	return value;
}

/** The schemas of an object's members, by name. */
const knownMembers = ({ shape }: z.ZodObject, value: object): [name: string, schema: z.core.$ZodType][] =>
	Object.entries(shape).filter(([name]) => Object.hasOwn(value, name));

/** One item more than the maximum makes the validation fail, and bounds the number of problems to find. */
const firstItems = (items: readonly unknown[]): unknown[] => items.slice(0, limits.eventsOfStep + 1);

function withoutWrappers(schema: z.core.$ZodType): z.core.$ZodType {
	return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
		? withoutWrappers(schema.unwrap())
		: schema;
}

/**
 * RFC 8259, section 8.1: JSON is UTF-8. Invalid bytes are rejected, because replacing them would change the content.
 */
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

function refuseDeepObjects(schema: z.ZodType, body: unknown): void {
	const paths = deepObjects(schema, body, '');
	if (paths.length > 0) {
		throw validationError(
			paths.map((path) => ({
				path,
				message: `must not nest deeper than ${limits.nesting} levels`,
				code: 'TOO_DEEP',
			})),
		);
	}
}

/** The paths of the members in the schema that nest too deep. */
function deepObjects(schema: z.core.$ZodType, value: unknown, path: string): string[] {
	const known = withoutWrappers(schema);
	const at = (name: string | number) => (path === '' ? String(name) : `${path}.${name}`);
	if (known instanceof z.ZodObject && isObject(value)) {
		return knownMembers(known, value).flatMap(([name, member]) => deepObjects(member, value[name], at(name)));
	}
	if (known instanceof z.ZodArray && Array.isArray(value)) {
		return firstItems(value).flatMap((item, index) => deepObjects(known.element, item, at(index)));
	}
	return nestsDeeperThan(limits.nesting, value) ? [path] : [];
}

import type { Context, MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import { ApiError } from '../core/errors.ts';
import { inTurn } from '../core/isolate-turns.ts';
import { readJson } from '../json/read.ts';
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
 * Throws UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, INVALID_JSON, VALIDATION_ERROR, RATE_LIMITED.
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
		const read = () => readJson(schema, decode(bytes), bytes.byteLength);
		const body = isAbsent ? {} : await inTurn(c.get('principal'), 'read', bytes.byteLength, read);
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

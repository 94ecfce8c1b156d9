import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { ApiError, validationError } from '../core/errors.ts';
import { limits, nestsDeeperThan } from '../core/limits.ts';
import { storedObject } from '../json/json-text.ts';
import { isObject, memberTexts } from '../json/raw-members.ts';
import type { AppEnv } from './context.ts';
import { readBody } from './read-body.ts';

export const JSON_TYPE = 'application/json';
/** RFC 7396. */
export const MERGE_PATCH_TYPE = 'application/merge-patch+json';

/**
 * Reads a JSON body: checks its media type, size, encoding and nesting, parses it once, and leaves it for the
 * validator, with a StoredObject in place of each object that is a member. Throws UNSUPPORTED_MEDIA_TYPE,
 * PAYLOAD_TOO_LARGE, INVALID_JSON or VALIDATION_ERROR.
 */
export const jsonBody = (accepts: { mediaTypes: readonly string[]; absent?: 'is {}' }) =>
	createMiddleware<AppEnv>(async (c, next) => {
		const bytes = await readBody(c);
		const mediaType = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase();
		const coding = c.req.header('Content-Encoding')?.trim().toLowerCase();
		let text = '{}';
		if (bytes.byteLength > 0 || !accepts.absent) {
			if (!mediaType || !accepts.mediaTypes.includes(mediaType) || (coding && coding !== 'identity')) {
				throw new ApiError(
					'UNSUPPORTED_MEDIA_TYPE',
					`This call takes ${accepts.mediaTypes.join(' or ')} without a content coding.`,
				);
			}
			text = decode(bytes);
		}

		leaveForValidator(c, withStoredObjects(text, bytes.byteLength));
		c.set('mediaType', mediaType);
		return next();
	});

/**
 * Hono's validator asks for JSON; what was parsed here serves it. Through bodyCache Hono would write the value out and
 * parse it again.
 */
function leaveForValidator(c: Context<AppEnv>, body: unknown): void {
	c.req.json = async () => body as never;
}

/** The value of a JSON text, with its stored form in place of each object that is a member. */
function withStoredObjects(text: string, bytes: number): unknown {
	const body = parse(text);
	if (!isObject(body)) return body;
	refuseDeepMembers(body);
	// What Object.fromEntries makes of a member `__proto__` is a member.
	return Object.fromEntries(
		Array.from(memberTexts(text, body), ([name, member]) => [
			name,
			isObject(body[name]) ? storedObject(member, bytes) : body[name],
		]),
	);
}

/** RFC 8259, section 8.1: JSON is UTF-8. A repaired body would not be what was sent. */
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

function refuseDeepMembers(body: object): void {
	const deep = Object.entries(body).filter(([, member]) => nestsDeeperThan(limits.nesting, member));
	if (deep.length > 0) {
		throw validationError(
			deep.map(([path]) => ({ path, message: `nests deeper than ${limits.nesting} levels` })),
		);
	}
}

import { type Context, Hono } from 'hono';
import { typeid } from 'typeid-js';
import { newApiKey } from '../auth/api-key-format.ts';
import { environmentOfCaller } from '../auth/authenticate.ts';
import type { Database } from '../core/database.ts';
import { ApiError, validationError } from '../core/errors.ts';
import { mayDo, type Principal } from '../core/principal.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import {
	KEY_ID,
	keyIdInPath,
	MAX_SECONDS_OF_CLERK,
	revokedSchema,
	type SessionKey,
	sessionKeyRequestSchema,
	sessionKeySchema,
} from './schema.ts';
import { MAX_KEYS, readExpiry, revokeSessionKey, storeSessionKey } from './store.ts';

/** The database of all keys: DB, because a key must be found before its session is known. */
const databaseOfKeys = (c: Context<AppEnv>): Database => c.get('databases').main;

/** When a key of this caller expires at the latest, in epoch milliseconds: with the credentials that make it. */
function latestExpiry({ keyId, expiresAt }: Principal, now: number): number {
	// The end of a Clerk session cannot be known without asking Clerk.
	return keyId === null ? Math.min(expiresAt, now + MAX_SECONDS_OF_CLERK * 1000) : expiresAt;
}

/** A key must not be able to do what its maker cannot. Throws FORBIDDEN. */
function checkMayAllow(maker: Principal, append: readonly string[]): void {
	if (append.length === 0 || mayDo(maker, 'PRODUCTS:WRITE')) return;
	throw new ApiError('FORBIDDEN', 'To make a key with `append`, you need the permission PRODUCTS:WRITE.');
}

/** The calls on keys for one session. They are mounted under the session's path. */
export const sessionKeyRoutes = new Hono<AppEnv>({ strict: false })
	.post(
		'/',
		operation({
			id: 'createSessionKey',
			tag: 'Sessions',
			summary: 'Make a key for one session',
			description: `Makes a key that can read and follow this session and do nothing else, for a browser. With \`append\` it can also append events of these types to the session. Then the caller also needs the permission \`PRODUCTS:WRITE\`. The key ends with the session and with the credentials that made it: when the caller’s key expires, is revoked or is rotated, it stops within \`KEY_CACHE_SECONDS\`. A key that a Clerk session makes expires after an hour at the latest. A session has at most ${MAX_KEYS} keys. A missing body counts as \`{}\`. Such a key cannot make keys.`,
			permission: 'PRODUCTS:READ',
			errors: ['QUOTA_EXCEEDED'],
			responses: {
				201: { description: 'The key. No later response contains it.', schema: sessionKeySchema },
			},
		}),
		jsonBody({ [JSON_TYPE]: sessionKeyRequestSchema }, { absent: 'is {}' }),
		async (c) => {
			const { expiresInSeconds, append = [] } = c.req.valid('json');
			const maker = c.get('principal');
			checkMayAllow(maker, append);
			const { key, keyHash, prefix } = await newApiKey(environmentOfCaller(c));
			const id = typeid('key').toString();
			const { db, reference } = sessionFrom(c);
			const sessionEnd = Date.parse(await readExpiry(db, reference));
			const now = Date.now();
			const end = Math.min(now + expiresInSeconds * 1000, sessionEnd, latestExpiry(maker, now));
			const expiresAt = new Date(end).toISOString();
			const appendTypes = [...new Set(append)];
			const stored = { id, keyHash, prefix, appendTypes, maker, expiresAt };
			await storeSessionKey(databaseOfKeys(c), reference, stored);
			const made: SessionKey = { expiresAt, id, key };
			return jsonResponse<SessionKey, 201>(JSON.stringify(made), 201);
		},
	)

	.delete(
		'/:keyId',
		operation({
			id: 'revokeSessionKey',
			tag: 'Sessions',
			summary: 'Revoke a key for one session',
			description:
				'Revokes a key that was made for this session. It ends the streams that the key has open. An isolate that has cached the key accepts it for `KEY_CACHE_SECONDS` at most.',
			permission: 'PRODUCTS:READ',
			path: { keyId: keyIdInPath },
			errors: ['NOT_FOUND', 'VALIDATION_ERROR'],
			responses: { 200: { description: 'The key is revoked.', schema: revokedSchema } },
		}),
		async (c) => {
			const { db, reference } = sessionFrom(c);
			const keyId = c.req.param('keyId');
			if (!KEY_ID.test(keyId)) {
				throw validationError([
					{
						path: 'keyId',
						message: 'must be the id of a key',
						code: 'INVALID_FORMAT',
						suggestion: 'Use the `id` of the response that made the key. It begins with `key_`.',
					},
				]);
			}
			await readExpiry(db, reference);
			await revokeSessionKey(databaseOfKeys(c), reference, keyId);
			return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
		},
	);

import { type Context, Hono } from 'hono';
import { typeid } from 'typeid-js';
import { ApiError, validationError } from '../../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../../core/session-reference.ts';
import { JSON_TYPE, jsonBody } from '../../http/body.ts';
import type { AppEnv } from '../../http/context.ts';
import { jsonResponse } from '../../http/json-response.ts';
import { operation } from '../../http/operation.ts';
import { sessionFrom } from '../../http/session-path.ts';
import { type KeyEnvironment, newApiKey } from '../api-key-format.ts';
import { endSessionKey, type KeyHome, storeSessionKey } from './key-home.ts';
import {
	KEY_ID,
	revokedSchema,
	type SessionKey,
	sessionKeyRequestSchema,
	sessionKeySchema,
} from './schema.ts';

/** The environment of a new key. A caller with a test key gets a test key, and any other caller a live key. */
const environmentOf = (c: Context<AppEnv>): KeyEnvironment =>
	c.req.header('Authorization')?.includes('rt_test_') ? 'test' : 'live';

/** The session in the path, with its database and that of its keys. Throws as `sessionFrom` does. */
function keyHomeFrom(c: Context<AppEnv>): { home: KeyHome; reference: SessionReference } {
	const { db: ofSession, reference } = sessionFrom(c);
	return { home: { ofSession, ofKeys: c.get('databases').numbered(0) }, reference };
}

/** The calls on keys for one session. They are mounted under the session's path. */
export const sessionKeyRoutes = new Hono<AppEnv>({ strict: false })
	.post(
		'/',
		operation({
			id: 'createSessionKey',
			tag: 'Sessions',
			summary: 'Make a key for one session',
			description:
				'Makes a key that can read and follow this session and do nothing else, for a browser. It expires with the session at the latest. A missing body counts as `{}`. Such a key cannot make keys.',
			permission: 'PRODUCTS:READ',
			responses: {
				201: { description: 'The key. No later response contains it.', schema: sessionKeySchema },
			},
		}),
		jsonBody({ [JSON_TYPE]: sessionKeyRequestSchema }, { absent: 'is {}' }),
		async (c) => {
			const { expiresInSeconds } = c.req.valid('json');
			const environment = environmentOf(c);
			const { key, keyHash, prefix } = await newApiKey(environment);
			const id = typeid('key').toString();
			const latest = new Date(Date.now() + expiresInSeconds * 1000).toISOString();
			const stored = { id, keyHash, prefix, environment, expiresAt: latest };
			const { home, reference } = keyHomeFrom(c);
			const expiresAt = await storeSessionKey(home, reference, stored);
			if (expiresAt === undefined) throw sessionNotFound();
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
			errors: ['NOT_FOUND', 'VALIDATION_ERROR'],
			responses: { 200: { description: 'The key is revoked.', schema: revokedSchema } },
		}),
		async (c) => {
			const { home, reference } = keyHomeFrom(c);
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
			const found = await endSessionKey(home, reference, keyId);
			if (!found.session) throw sessionNotFound();
			if (!found.key) throw new ApiError('NOT_FOUND', 'The session has no such key.');
			return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
		},
	);

import * as z from 'zod';
import { timestamp } from '../core/fields.ts';

const MIN_SECONDS = 60;
const MAX_SECONDS = 86_400;
const DEFAULT_SECONDS = 3600;
/** The longest life of a key that a Clerk session makes. */
export const MAX_SECONDS_OF_CLERK = 3600;

const id = 'key_01k2vxq8f3e7ttyyds0t6w2h4c';
/** `key_` and a TypeID suffix. */
export const KEY_ID = /^key_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
export const keyIdSchema = z.string().max(30).regex(KEY_ID);

export const sessionKeyRequestSchema = z
	.object({
		expiresInSeconds: z.int().min(MIN_SECONDS).max(MAX_SECONDS).default(DEFAULT_SECONDS).meta({
			format: 'int32',
			description:
				'The key expires after this time, or earlier with the session or with the credentials that made it.',
		}),
	})
	.meta({ id: 'CreateSessionKey', examples: [{ expiresInSeconds: DEFAULT_SECONDS }] });

export const sessionKeySchema = z
	.object({
		expiresAt: timestamp,
		id: keyIdSchema,
		key: z
			.string()
			.max(81)
			.regex(/^rt_(live|test)_[0-9a-f]{72}$/)
			.meta({ description: 'The key. It is not stored, so no later response holds it.' }),
	})
	.meta({
		id: 'SessionKey',
		examples: [{ expiresAt: '2026-01-15T10:31:12.250Z', id, key: `rt_live_${'0'.repeat(72)}` }],
	});
export type SessionKey = z.infer<typeof sessionKeySchema>;

export const revokedSchema = z.object({ success: z.literal(true) }).meta({ id: 'Revoked' });

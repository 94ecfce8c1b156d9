import * as z from 'zod';
import { plainLine, timestamp } from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { refusal } from '../core/problems.ts';

const MIN_SECONDS = 60;
const MAX_SECONDS = 86_400;
const DEFAULT_SECONDS = 3600;
/** The longest life of a key that a Clerk session makes. */
export const MAX_SECONDS_OF_CLERK = 3600;

const id = 'key_01k2vxq8f3e7ttyyds0t6w2h4c';
const MAX_APPEND_TYPES = 20;
const appendType = plainLine(limits.name, 1)
	.refine(
		(type) => !type.slice(0, -1).includes('*'),
		refusal(
			'INVALID_FORMAT',
			'must not contain `*` before its end',
			'Use a whole type, such as `input.approved`, or the beginning of types with `*` at the end, such as `input.*`.',
		),
	)
	.meta({ pattern: '^[^\\x00-\\x1f\\x7f-\\x9f*]*\\*?$' });

/** `key_` and a TypeID suffix. */
export const KEY_ID = /^key_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const keyIdSchema = z.string().max(30).regex(KEY_ID);
export const keyIdInPath = keyIdSchema.meta({
	description: 'The id of a key for one session.',
	param: { id: 'KeyId' },
});

export const sessionKeyRequestSchema = z
	.object({
		expiresInSeconds: z.int().min(MIN_SECONDS).max(MAX_SECONDS).default(DEFAULT_SECONDS).meta({
			format: 'int32',
			description:
				'The key expires after this time, or earlier with the session or with the credentials that made it.',
		}),
		append: z.array(appendType).min(1).max(MAX_APPEND_TYPES).optional().meta({
			description:
				'The types of events that the key may append. `*` at the end of one stands for any rest, also an empty one: `input.*` allows every type that begins with `input.`, and `*` alone allows all types. Without `append` the key can only read.',
		}),
	})
	.meta({
		id: 'CreateSessionKey',
		examples: [
			{ expiresInSeconds: DEFAULT_SECONDS },
			{ expiresInSeconds: 600, append: ['input.approved', 'input.rejected'] },
		],
	});

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

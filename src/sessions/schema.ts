import * as z from 'zod';
import {
	cappedNumberQuery,
	count,
	documentedAs,
	ownerId,
	plainString,
	timestamp,
	wholeNumberQuery,
} from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { refusal } from '../core/problems.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import { eventSchema } from '../events/schema.ts';
import { versionQuery, versionSchema } from '../history/schema.ts';
import { jsonObject, jsonObjectMeta, nullableObjectMeta, sentObject } from '../json/schema.ts';
import * as examples from './examples.ts';
import { detailsFields, sessionFields } from './fields.ts';

/** In the order of a session's life. A status may follow any other. */
export const statuses = ['intake', 'generating', 'assembling', 'complete', 'failed'] as const;
export const statusSchema = z.enum(statuses).meta({
	id: 'SessionStatus',
	description: 'In the order of a session’s life. A status may follow any other.',
});

const object = (description: string) => sentObject.meta({ ...jsonObjectMeta, description });
const nullableObject = (description: string) =>
	jsonObject.nullable().meta({ ...nullableObjectMeta, description });
const name = z.string().max(limits.name);
/** The maximum number of events in a details response. */
export const EVENTS_IN_DETAILS = 1000;
const MAX_IN_LIST = 100;

const fields = {
	assemblyState: nullableObject('How far the assembly of the product is.'),
	catalogVersion: name.nullable(),
	createdAt: timestamp,
	expiresAt: timestamp.meta({ description: 'When the session expires.' }),
	id: sessionIdSchema.meta({ example: examples.sessionId }),
	organizationId: ownerId.nullable(),
	plan: nullableObject('How the product is going to be built.'),
	prd: nullableObject('The product requirements document.'),
	productObject: nullableObject('The product itself.'),
	productObjectHash: name.nullable().meta({
		description:
			'The hash in the request, or the lowercase hex SHA-256 of the RFC 8785 form of productObject.',
	}),
	schemaVersion: name.nullable(),
	status: statusSchema,
	updatedAt: timestamp,
	userId: ownerId,
};

/** A session on the wire: 14 fields, all always present and in this order. */
export const sessionSchema = z.object(fields).meta({ id: 'Session', examples: [examples.session] });
export type Session = z.infer<typeof sessionSchema>;

const { assemblyState, catalogVersion, createdAt, ...afterEvents } = fields;
/** A session with its latest events, the oldest first. */
export const sessionDetailsSchema = z
	.object({
		assemblyState,
		catalogVersion,
		createdAt,
		events: z.array(eventSchema).max(EVENTS_IN_DETAILS),
		...afterEvents,
	})
	.meta({ id: 'SessionDetails' });
export type SessionDetails = z.infer<typeof sessionDetailsSchema>;

/** A query's list of fields, which may be repeated: some of `known`, in their order. */
const fieldsQuery = <Field extends string>(known: readonly Field[]) =>
	z
		.union([z.string(), z.array(z.string())])
		.transform((lists) => [lists].flat().flatMap((list) => list.split(',')))
		.refine(
			(names) => names.length <= known.length,
			refusal('TOO_LONG', `must name at most ${known.length} fields`),
		)
		.refine(
			(names) => names.every((name) => (known as readonly string[]).includes(name)),
			refusal(
				'INVALID_ENUM',
				'must be a comma-separated list of field names',
				`Use some of ${known.join(', ')}.`,
			),
		)
		.transform((names) => known.filter((field) => names.includes(field)))
		.optional()
		.meta({
			...documentedAs({
				type: 'array',
				minItems: 1,
				maxItems: known.length,
				items: { type: 'string', enum: [...known] },
			}),
			description:
				'The fields of the response, comma-separated. By default all of them. A repeated parameter counts as one list.',
			param: { style: 'form', explode: false },
		});

export const listQuerySchema = z
	.object({
		limit: cappedNumberQuery(
			1,
			MAX_IN_LIST,
			20,
			`The maximum number of sessions on the page. A number above ${MAX_IN_LIST} counts as ${MAX_IN_LIST}.`,
		),
		offset: wholeNumberQuery(
			0,
			Number.MAX_SAFE_INTEGER,
			0,
			'How many of the newest sessions the list skips. Above 0, it must not come together with `after`.',
		),
		after: sessionIdSchema
			.optional()
			.meta({ description: 'The id of a session, which may have been deleted. The list starts after it.' }),
		status: z
			.string()
			.optional()
			.meta({
				description: `Only sessions in this status: ${statuses.map((each) => `\`${each}\``).join(', ')}. Any other text gives an empty page.`,
			}),
		fields: fieldsQuery(sessionFields),
	})
	// Programs that are generated from the document send its defaults, so an offset of 0 beside `after` is no conflict.
	.refine(({ after, offset }) => after === undefined || offset === 0, {
		path: ['after'],
		...refusal('CONFLICTING_FIELDS', 'cannot be combined with an offset', 'Send only one of them.'),
	});

export const detailsQuerySchema = z.object({
	fields: fieldsQuery(detailsFields),
	version: versionQuery('The version to read. By default the current one, with all events so far.'),
});

const limit = count.max(MAX_IN_LIST).meta({ format: 'int32' });
const total = count.meta({ description: 'The total number of sessions on all pages.' });
const hasMore = z.boolean().meta({ description: 'Whether there are sessions after this page.' });
const pagination = z.xor([
	z.object({ limit, offset: count, total }).meta({ id: 'PageByOffset' }),
	z
		.object({ limit, hasMore })
		.meta({ id: 'PageByPlace', description: 'The pagination of a list with `after`, which has no total.' }),
]);

export const sessionListSchema = z
	.object({ data: z.array(sessionSchema).max(MAX_IN_LIST), pagination })
	.meta({ id: 'SessionList' });
export type SessionList = z.infer<typeof sessionListSchema>;

/** The maximum is a setting, which the route checks. */
const ttlSeconds = z.int().min(limits.minTtlSeconds).optional().meta({
	format: 'int64',
	description:
		'The time until the session expires, in seconds. At most SESSION_TTL_MAX_SECONDS, a setting of the service: 2,592,000 by default.',
});

export const createSchema = z
	.object({
		catalogVersion: plainString(limits.name).optional(),
		from: z
			.object({
				sessionId: sessionIdSchema,
				version: versionSchema.optional().meta({ description: 'By default the current version.' }),
			})
			.optional()
			.meta({
				description:
					'The session, and its version, that the new session begins as. Other members of the body take precedence.',
			}),
		prd: object('The product requirements document.').optional(),
		schemaVersion: plainString(limits.name).optional(),
		ttlSeconds,
	})
	.meta({ id: 'CreateSession', examples: [examples.create] });

export const updateSchema = z
	.object({
		assemblyState: object('Replaces the whole object.').optional(),
		plan: object('Replaces the whole object.').optional(),
		prd: object('Replaces the whole object.').optional(),
		productObject: object('Replaces the whole object.').optional(),
		productObjectHash: plainString(limits.name).optional(),
		status: statusSchema.optional(),
		ttlSeconds,
	})
	.meta({ id: 'UpdateSession', examples: [examples.update] });

const mergeObject = sentObject
	.nullable()
	.meta({ ...nullableObjectMeta, description: 'Merged into the stored object; null clears it.' })
	.optional();
/** RFC 7396 on the six fields. `ttlSeconds` is not one of them, because it is not stored. */
export const mergePatchSchema = z
	.object({
		assemblyState: mergeObject,
		plan: mergeObject,
		prd: mergeObject,
		productObject: mergeObject,
		productObjectHash: plainString(limits.name).nullable().optional(),
		status: statusSchema.optional(),
		ttlSeconds,
	})
	.meta({ id: 'MergeSession', examples: [examples.merge] });

export const deletedSchema = z.object({ success: z.literal(true) }).meta({ id: 'Deleted' });

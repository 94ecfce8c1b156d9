import * as z from 'zod';
import { count, ownerId, plainString, timestamp, wholeNumberQuery } from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import { eventSchema } from '../events/schema.ts';
import { jsonObject, jsonObjectMeta, nullableObjectMeta, sentObject } from '../json/schema.ts';
import * as examples from './examples.ts';

/** In the order of a session's life. Any may follow any other. */
export const statuses = [
	'intake',
	'planning',
	'generating',
	'assembling',
	'completed',
	'failed',
	'cancelled',
] as const;
export const statusSchema = z
	.enum(statuses)
	.meta({ id: 'SessionStatus', description: 'In the order of a session’s life. Any may follow any other.' });

/** The fields of a session that hold an object, each with its column. */
export const objectColumns = {
	assemblyState: 'assembly_state',
	plan: 'plan',
	prd: 'prd',
	productObject: 'product_object',
} as const;
export type ObjectField = keyof typeof objectColumns;
export const objectFields = Object.keys(objectColumns) as ObjectField[];

const object = (description: string) => sentObject.meta({ ...jsonObjectMeta, description });
const nullableObject = (description: string) =>
	jsonObject.nullable().meta({ ...nullableObjectMeta, description });
const name = z.string().max(limits.name);
/** The maximum of events within one details response. */
export const EVENTS_IN_DETAILS = 1000;
const MAX_IN_LIST = 100;

const fields = {
	assemblyState: nullableObject('How far the assembly of the product is.'),
	catalogVersion: name.nullable(),
	createdAt: timestamp,
	expiresAt: timestamp.meta({ description: 'When the session is gone.' }),
	id: sessionIdSchema.meta({ example: examples.sessionId }),
	organizationId: ownerId.nullable(),
	plan: nullableObject('How the product is going to be built.'),
	prd: nullableObject('The product requirements document.'),
	productObject: nullableObject('The product itself.'),
	productObjectHash: name.nullable().meta({
		description: 'As sent, or lowercase hex SHA-256 of the RFC 8785 form of productObject.',
	}),
	schemaVersion: name.nullable(),
	status: statusSchema,
	updatedAt: timestamp,
	userId: ownerId,
};

/** A session on the wire: 14 fields, always all present, in this order. */
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

export const listQuerySchema = z.object({
	limit: wholeNumberQuery(1, MAX_IN_LIST, 20),
	offset: wholeNumberQuery(0, Number.MAX_SAFE_INTEGER, 0),
	status: statusSchema.optional().meta({ description: 'Only sessions in this status.' }),
});

export const sessionListSchema = z
	.object({
		data: z.array(sessionSchema).max(MAX_IN_LIST),
		pagination: z.object({
			limit: count.max(MAX_IN_LIST),
			offset: count,
			total: count.meta({ description: 'How many sessions there are, not only on this page.' }),
		}),
	})
	.meta({ id: 'SessionList' });
export type SessionList = z.infer<typeof sessionListSchema>;

export const createSchema = z
	.object({
		catalogVersion: plainString(limits.name).optional(),
		prd: object('The product requirements document.').optional(),
		schemaVersion: plainString(limits.name).optional(),
	})
	.meta({ id: 'CreateSession', examples: [examples.create] });

export const updateSchema = z
	.object({
		assemblyState: object('Replaces the whole.').optional(),
		plan: object('Replaces the whole.').optional(),
		prd: object('Replaces the whole.').optional(),
		productObject: object('Replaces the whole.').optional(),
		productObjectHash: plainString(limits.name).optional(),
		status: statusSchema.optional(),
	})
	.meta({ id: 'UpdateSession', examples: [examples.update] });

const mergeObject = sentObject
	.nullable()
	.meta({ ...nullableObjectMeta, description: 'Merged into what is there; null clears it.' })
	.optional();
/** RFC 7396 on the six fields. */
export const mergePatchSchema = z
	.object({
		assemblyState: mergeObject,
		plan: mergeObject,
		prd: mergeObject,
		productObject: mergeObject,
		productObjectHash: plainString(limits.name).nullable().optional(),
		status: statusSchema.optional(),
	})
	.meta({ id: 'MergeSession', examples: [examples.merge] });

export const deletedSchema = z.object({ success: z.literal(true) }).meta({ id: 'Deleted' });

import fc from 'fast-check';
import {
	type DetailsField,
	detailsFields,
	type SessionField,
	sessionFields,
} from '../../src/sessions/fields.ts';
import { statuses } from '../../src/sessions/schema.ts';
import { anyObject, type Sent } from './arbitraries.ts';
import { anyWebhookStep, type WebhookStep } from './webhook-steps.ts';

/** One call of a sequence, or the expiry of a session. `session` is an index, modulo the number of created sessions. */
export type Step =
	| {
			do: 'create';
			caller: number;
			prd: Sent | undefined;
			version: string | undefined;
			ttl: number | undefined;
			key: string | undefined;
	  }
	| { do: 'replace' | 'merge'; caller: number; session: number; fields: Fields; condition: Condition }
	| {
			do: 'details';
			caller: number;
			session: number;
			known: boolean;
			fields: readonly DetailsField[] | undefined;
	  }
	| {
			do: 'list';
			caller: number;
			status: string | undefined;
			limit: number;
			from: { offset: number } | { after: number };
			fields: readonly SessionField[] | undefined;
	  }
	| { do: 'append'; caller: number; session: number; event: Appended; key: string | undefined }
	| {
			do: 'step';
			caller: number;
			session: number;
			events: Appended[];
			fields: Fields | undefined;
			condition: Condition;
			key: string | undefined;
	  }
	| { do: 'page'; caller: number; session: number; after: number | undefined; limit: number }
	| {
			do: 'past';
			caller: number;
			session: number;
			version: number;
			known: boolean;
			fields: readonly DetailsField[] | undefined;
	  }
	| { do: 'versions'; caller: number; session: number; before: number | undefined; limit: number }
	| {
			do: 'fork';
			caller: number;
			session: number;
			version: number | undefined;
			prd: Sent | undefined;
			key: string | undefined;
	  }
	| { do: 'delete'; caller: number; session: number; condition: Condition }
	| { do: 'expire'; session: number }
	| WebhookStep;

/** The kind of If-Match to send. */
export type Condition = 'none' | 'current' | 'stale' | 'any';

/** The fields of a PATCH; null clears. */
export interface Fields {
	assemblyState?: Sent | null;
	plan?: Sent | null;
	prd?: Sent | null;
	productObject?: Sent | null;
	productObjectHash?: string | null;
	status?: string;
	ttlSeconds?: number;
}

export interface Appended {
	type: string;
	message?: string;
	stage?: string;
	payload?: Sent;
}

/** A string that is valid in a plain field. */
const anyName = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\u0000', ''));
/** A string that is valid in a field that appears in log lines as well. */
const anyLine = anyName.map((text) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ''));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const caller = fc.nat(1);
const session = fc.nat(5);
const condition = fc.constantFrom<Condition>('none', 'none', 'none', 'current', 'stale', 'any');
const key = maybe(fc.constantFrom('k1', 'k2'));
const status = fc.constantFrom(...statuses);
const ttl = fc.integer({ min: 60, max: 2_592_000 });
const fields = <Field extends string>(known: readonly Field[]) =>
	fc.option(fc.subarray([...known], { minLength: 1 }), { nil: undefined, freq: 2 });

/** Removes the members that are undefined. */
const present = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }) =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

function fieldsOf(
	object: fc.Arbitrary<Sent | null>,
	hash: fc.Arbitrary<string | null>,
): fc.Arbitrary<Fields> {
	const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
	return fc
		.record({
			assemblyState: rarely(object),
			plan: rarely(object),
			prd: rarely(object),
			productObject: rarely(object),
			productObjectHash: rarely(hash),
			status: rarely(status),
			ttlSeconds: fc.option(ttl, { nil: undefined, freq: 1 }),
		})
		.map((fields) => present<Fields>(fields));
}

const event = fc
	.record({
		type: anyLine.map((text) => `t${text}`),
		message: maybe(anyName),
		stage: maybe(anyLine),
		payload: maybe(anyObject),
	})
	.map((fields) => present<Appended>(fields));

const replace: fc.Arbitrary<Step> = fc.record({
	do: fc.constant('replace' as const),
	caller,
	session,
	fields: fieldsOf(anyObject, anyName),
	condition,
});
const mergedFields = fieldsOf(fc.option(anyObject, { freq: 5 }), fc.option(anyName, { freq: 3 }));
const merge: fc.Arbitrary<Step> = fc.record({
	do: fc.constant('merge' as const),
	caller,
	session,
	fields: mergedFields,
	condition,
});

interface StepBody {
	events: Appended[];
	fields: Fields | undefined;
}
/** Some bodies occur often, as those of retries do. */
const stepBody: fc.Arbitrary<StepBody> = fc.oneof(
	fc.constantFrom<StepBody>(
		{ events: [{ type: 'a' }, { type: 'b' }], fields: { status: 'generating' } },
		{ events: [{ type: 'a' }], fields: undefined },
		{ events: [{ type: 'a' }], fields: { plan: null, productObject: null } },
	),
	fc.record({
		events: fc.array(event, { minLength: 1, maxLength: 4 }),
		// A step has no ttlSeconds: the service ignores it like any unknown member.
		fields: maybe(mergedFields.map(({ ttlSeconds, ...fields }) => fields)),
	}),
);
const step: fc.Arbitrary<Step> = fc
	.record({ do: fc.constant('step' as const), caller, session, body: stepBody, condition, key })
	.map(({ body, ...rest }) => ({ ...rest, ...body }));

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant('create' as const),
			caller,
			prd: maybe(anyObject),
			version: maybe(anyName),
			ttl: maybe(ttl),
			key,
		}),
	},
	{ weight: 3, arbitrary: replace },
	{ weight: 4, arbitrary: merge },
	{ weight: 4, arbitrary: step },
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant('details' as const),
			caller,
			session,
			known: fc.boolean(),
			fields: fields(detailsFields),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant('list' as const),
			caller,
			status: maybe(status),
			limit: fc.integer({ min: 1, max: 4 }),
			from: fc.oneof(fc.record({ offset: fc.nat(3) }), fc.record({ after: session })),
			fields: fields(sessionFields),
		}),
	},
	{ weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), caller, session, event, key }) },
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant('page' as const),
			caller,
			session,
			after: maybe(fc.nat(4)),
			limit: fc.integer({ min: 1, max: 3 }),
		}),
	},
	{
		weight: 4,
		arbitrary: fc.record({
			do: fc.constant('past' as const),
			caller,
			session,
			version: fc.integer({ min: 1, max: 6 }),
			known: fc.boolean(),
			fields: fields(detailsFields),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant('versions' as const),
			caller,
			session,
			before: maybe(fc.integer({ min: 1, max: 5 })),
			limit: fc.integer({ min: 1, max: 4 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant('fork' as const),
			caller,
			session,
			version: maybe(fc.integer({ min: 1, max: 3 })),
			prd: maybe(anyObject),
			key,
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), caller, session, condition }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), session }) },
	{ weight: 7, arbitrary: anyWebhookStep },
);

import fc from 'fast-check';

/** One call on webhooks, or a delivery of what is owed. `webhook` is an index, modulo the number of created webhooks. */
export type WebhookStep =
	| { do: 'subscribe'; caller: number; names: string[] }
	| {
			do: 'alter';
			caller: number;
			webhook: number;
			enabled: boolean | undefined;
			names: string[] | undefined;
	  }
	| { do: 'unsubscribe'; caller: number; webhook: number }
	| { do: 'deliver' };

const caller = fc.nat(1);
const webhook = fc.nat(3);
const names = fc.uniqueArray(
	fc.constantFrom(
		...['session.created', 'session.status_changed', 'session.deleted'],
		...['event:*', 'event:a', 'event:b', 'event:t', 'event:t*'],
	),
	{ minLength: 1, maxLength: 4 },
);

export const anyWebhookStep: fc.Arbitrary<WebhookStep> = fc.oneof(
	{ weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), caller, names }) },
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant('alter' as const),
			caller,
			webhook,
			enabled: fc.option(fc.boolean(), { nil: undefined }),
			names: fc.option(names, { nil: undefined }),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), caller, webhook }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant('deliver' as const) }) },
);

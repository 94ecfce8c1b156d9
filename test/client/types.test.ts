import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type * as generated from '../../src/client/client.ts';
import { type Client, createClient } from '../../src/client/client.ts';
import type { errorSchema } from '../../src/core/errors.ts';
import type { appendSchema, eventPageSchema, eventSchema } from '../../src/events/schema.ts';
import type { sessionKeyRequestSchema, sessionKeySchema } from '../../src/session-keys/schema.ts';
import type {
	createSchema,
	mergePatchSchema,
	sessionDetailsSchema,
	sessionListSchema,
	sessionSchema,
	statusSchema,
	updateSchema,
} from '../../src/sessions/schema.ts';
import type { stepResponseSchema, stepSchema } from '../../src/steps/schema.ts';

const client = createClient({
	baseUrl: 'https://api.test',
	token: 't',
	fetch: () => Promise.reject(new Error()),
});
/** Gives the type of a result without a call. */
type Returned<Method extends keyof Client> = Awaited<ReturnType<Client[Method]>>;

describe('the types of the client', () => {
	it('are those of the service’s responses', () => {
		expectTypeOf<generated.SessionStatus>().toEqualTypeOf<z.infer<typeof statusSchema>>();
		expectTypeOf<generated.Session>().toEqualTypeOf<z.infer<typeof sessionSchema>>();
		expectTypeOf<generated.SessionDetails>().toEqualTypeOf<z.infer<typeof sessionDetailsSchema>>();
		expectTypeOf<z.infer<typeof sessionListSchema>>().toExtend<generated.SessionPage<generated.Session>>();
		expectTypeOf<generated.Event>().toEqualTypeOf<z.infer<typeof eventSchema>>();
		expectTypeOf<generated.EventPage>().toEqualTypeOf<z.infer<typeof eventPageSchema>>();
		expectTypeOf<generated.Step>().toEqualTypeOf<z.infer<typeof stepResponseSchema>>();
		expectTypeOf<generated.SessionKey>().toEqualTypeOf<z.infer<typeof sessionKeySchema>>();
		expectTypeOf<generated.ErrorBody>().toEqualTypeOf<z.infer<typeof errorSchema>>();
	});

	it('accept every request of the service, and no field that it does not have', () => {
		expectTypeOf<z.input<typeof createSchema>>().toExtend<generated.CreateSession>();
		expectTypeOf<z.input<typeof updateSchema>>().toExtend<generated.UpdateSession>();
		expectTypeOf<z.input<typeof mergePatchSchema>>().toExtend<generated.MergeSession>();
		expectTypeOf<z.input<typeof appendSchema>>().toExtend<generated.AppendEvent>();
		expectTypeOf<z.input<typeof stepSchema>>().toExtend<generated.AppendStep>();
		expectTypeOf<z.input<typeof sessionKeyRequestSchema>>().toExtend<generated.KeyOptions>();
		expectTypeOf<Exclude<keyof generated.KeyOptions, keyof generated.CallOptions>>().toEqualTypeOf<
			keyof z.input<typeof sessionKeyRequestSchema>
		>();
		expectTypeOf<keyof generated.CreateSession>().toEqualTypeOf<keyof z.input<typeof createSchema>>();
		expectTypeOf<keyof generated.UpdateSession>().toEqualTypeOf<keyof z.input<typeof updateSchema>>();
		expectTypeOf<keyof generated.MergeSession>().toEqualTypeOf<keyof z.input<typeof mergePatchSchema>>();
		expectTypeOf<keyof generated.AppendEvent>().toEqualTypeOf<keyof z.input<typeof appendSchema>>();
		expectTypeOf<keyof generated.AppendStep>().toEqualTypeOf<keyof z.input<typeof stepSchema>>();
	});

	it('contain only the members that `fields` selects', () => {
		const sparse = () => client.get('sess_1', { fields: ['id', 'events'] });
		expectTypeOf<Awaited<ReturnType<typeof sparse>>>().toEqualTypeOf<
			Pick<generated.SessionDetails, 'id' | 'events'>
		>();
		const list = () => client.list({ fields: ['status'] });
		expectTypeOf<Awaited<ReturnType<typeof list>>['data'][number]>().toEqualTypeOf<
			Pick<generated.Session, 'status'>
		>();
		expectTypeOf<Returned<'get'>>().toEqualTypeOf<generated.SessionDetails>();
		// @ts-expect-error: the field is misspelled.
		void (() => client.get('sess_1', { fields: ['state'] }));
	});

	it('accept a whole session as changes', () => {
		expectTypeOf<Pick<generated.Session, 'status' | 'id'>>().toExtend<generated.UpdateSession>();
	});

	it('accept an interface as an object, and no array', () => {
		interface Payload {
			steps: number;
		}
		const payload: Payload = { steps: 3 };
		void (() => client.append('sess_1', { type: 'note', payload }));
		void (() => client.create({ prd: payload }));
		void (() => client.merge('sess_1', { plan: payload, prd: null }));
		// @ts-expect-error: an array is not an object.
		void (() => client.create({ prd: [payload] }));
	});
});

interface Plan {
	steps: string[];
	owner?: { name: string; since: string };
}
interface Events {
	'plan.ready': { steps: number };
	approved: { by?: string };
}
const typed = createClient<{ plan: Plan; events: Events }>({
	baseUrl: 'https://api.test',
	token: 't',
	fetch: () => Promise.reject(new Error()),
});

describe('the types of a program’s own objects', () => {
	it('are those of what is read', () => {
		type Read = Awaited<ReturnType<typeof typed.create>>;
		expectTypeOf<Read['plan']>().toEqualTypeOf<Plan | null>();
		expectTypeOf<Read['prd']>().toEqualTypeOf<Record<string, unknown> | null>();
		void (async () => {
			for await (const item of typed.follow('sess_1')) {
				if (item.type !== 'event') continue;
				if (item.event.type === 'plan.ready') {
					expectTypeOf(item.event.payload).toEqualTypeOf<{ steps: number }>();
				}
			}
			for await (const { session, changed, events } of typed.watch('sess_1')) {
				expectTypeOf(session.plan).toEqualTypeOf<Plan | null>();
				expectTypeOf(changed).toEqualTypeOf<(keyof generated.Session)[]>();
				expectTypeOf(events).toEqualTypeOf<
					(
						| generated.EventOf<'plan.ready', { steps: number }>
						| generated.EventOf<'approved', { by?: string }>
					)[]
				>();
			}
			for await (const { type } of typed.events('sess_1')) {
				expectTypeOf(type).toEqualTypeOf<'plan.ready' | 'approved'>();
			}
			const { plan } = await typed.get('sess_1', { fields: ['plan'] });
			expectTypeOf(plan).toEqualTypeOf<Plan | null>();
		});
	});

	it('are those of what is waited for', () => {
		const complete = () => typed.waitFor('sess_1', ['complete', 'failed']);
		expectTypeOf<Awaited<ReturnType<typeof complete>>['status']>().toEqualTypeOf<'complete' | 'failed'>();
		expectTypeOf<Awaited<ReturnType<typeof complete>>['plan']>().toEqualTypeOf<Plan | null>();
		const planned = () => typed.waitFor('sess_1', async ({ plan }) => plan?.steps.length === 3);
		expectTypeOf<Awaited<ReturnType<typeof planned>>>().toExtend<{ plan: Plan | null }>();
		// @ts-expect-error: no session has this status.
		void (() => typed.waitFor('sess_1', ['completed']));
		// @ts-expect-error: a list is needed.
		void (() => typed.waitFor('sess_1', 'complete'));
	});

	it('are those of what is written', () => {
		void (() => typed.update('sess_1', { plan: { steps: [] } }));
		void (() => typed.append('sess_1', { type: 'plan.ready', payload: { steps: 3 } }));
		void (() => typed.append('sess_1', { type: 'approved' }));
		void (() => typed.step('sess_1', { events: [{ type: 'approved' }], patch: { plan: { owner: null } } }));
		// @ts-expect-error: the plan has steps.
		void (() => typed.update('sess_1', { plan: {} }));
		// @ts-expect-error: the payload is missing.
		void (() => typed.append('sess_1', { type: 'plan.ready' }));
		// @ts-expect-error: no event has this type.
		void (() => typed.append('sess_1', { type: 'plan.raedy', payload: { steps: 3 } }));
	});

	it('are partial in patches, where null removes a member', () => {
		void (() => typed.merge('sess_1', { plan: { owner: { since: null } } }));
		void (() => typed.merge('sess_1', { plan: { steps: ['one'], owner: null } }));
		void (() => typed.merge('sess_1', { plan: null }));
		void (() => typed.editWhile('sess_1', () => ({ patch: { plan: { owner: { name: 'worker-7' } } } })));
		// @ts-expect-error: the name is a string.
		void (() => typed.merge('sess_1', { plan: { owner: { name: 7 } } }));
	});
});

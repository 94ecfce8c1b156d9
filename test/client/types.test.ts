import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type * as generated from '../../src/client/client.ts';
import { type Client, createClient } from '../../src/client/client.ts';
import type { errorSchema } from '../../src/core/errors.ts';
import type { appendSchema, eventPageSchema, eventSchema } from '../../src/events/schema.ts';
import type { sessionKeySchema } from '../../src/session-keys/schema.ts';
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

	it('are those of the service’s requests', () => {
		expectTypeOf<generated.CreateSession>().toEqualTypeOf<z.input<typeof createSchema>>();
		expectTypeOf<generated.UpdateSession>().toEqualTypeOf<z.input<typeof updateSchema>>();
		expectTypeOf<generated.MergeSession>().toEqualTypeOf<z.input<typeof mergePatchSchema>>();
		expectTypeOf<generated.AppendEvent>().toEqualTypeOf<z.input<typeof appendSchema>>();
		expectTypeOf<generated.AppendStep>().toEqualTypeOf<z.input<typeof stepSchema>>();
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
});

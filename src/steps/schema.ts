import * as z from 'zod';
import { limits } from '../core/limits.ts';
import { appendSchema, eventSchema } from '../events/schema.ts';
import { mergePatchSchema, sessionSchema } from '../sessions/schema.ts';

export const stepSchema = z
	.object({
		events: z
			.array(appendSchema)
			.min(1)
			.max(limits.eventsOfStep)
			.meta({ description: 'What happened, in order. The events get consecutive positions.' }),
		patch: mergePatchSchema
			.omit({ ttlSeconds: true })
			.meta({ id: 'StepPatch' })
			.optional()
			.meta({ description: 'What changed: a merge patch by RFC 7396.' }),
	})
	.meta({
		id: 'AppendStep',
		examples: [
			{
				events: [{ type: 'plan.ready', payload: { steps: 3 } }],
				patch: { status: 'generating', plan: { draft: null } },
			},
		],
	});

/** The response to a step: its events, and the session after it. */
export const stepResponseSchema = z
	.object({ events: z.array(eventSchema).min(1).max(limits.eventsOfStep), session: sessionSchema })
	.meta({ id: 'Step' });
export type StepResponse = z.infer<typeof stepResponseSchema>;

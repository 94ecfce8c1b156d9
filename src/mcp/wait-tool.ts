import * as z from 'zod';
import { plainLine } from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { matches } from '../core/text.ts';
import { type Event, eventSchema } from '../events/schema.ts';
import { sessionSchema, statuses, statusSchema } from '../sessions/schema.ts';
import { etag, sessionId } from './arguments.ts';
import { eventId } from './event-tools.ts';
import { tool } from './tool.ts';
import { type Happening, type WatchedState, watch } from './watch.ts';

/** Clients give up a request after a minute by default. */
const MAX_SECONDS = 60;

/** How a wait ended. */
interface Ending {
	outcome: 'status' | 'event' | 'timeout' | 'ended';
	event?: Event;
}

export const waitForSession = tool({
	name: 'wait_for_session',
	title: 'Wait for a session',
	description:
		'Waits until the session has one of the statuses, or an event of the type is appended, whichever comes first. Returns at once if the session already has the status. To wait for an answer, pass the id of your own event as after, so that no event is missed; without after only events from now on count. On timeout, call it again with the lastEventId as after.',
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
	own: {
		sessionId,
		statuses: z
			.array(statusSchema)
			.max(statuses.length)
			.default([])
			.meta({ description: 'Such as ["complete", "failed"].' }),
		eventType: plainLine(limits.name, 1)
			.optional()
			.meta({ description: 'A type of events. With * at its end, all types that begin so: input.*' }),
		after: eventId.optional().meta({ description: 'Events count from the one after this.' }),
		timeoutSeconds: z.int().min(1).max(MAX_SECONDS).default(30).meta({ description: 'How long to wait.' }),
	},
	output: z.object({
		outcome: z.enum(['status', 'event', 'timeout', 'ended']).meta({
			description:
				'What ended the wait. `ended`: the session was deleted or has expired, or the key may no longer read it.',
		}),
		session: sessionSchema
			.pick({ id: true, status: true, expiresAt: true, updatedAt: true })
			.extend({ etag }),
		event: eventSchema.optional().meta({ description: 'The event that ended the wait.' }),
		lastEventId: eventId.optional().meta({ description: 'The last event that was seen.' }),
	}),
	async run({ sessionId, statuses, eventType, after, timeoutSeconds }, _, { c }) {
		const stop = new AbortController();
		let state: WatchedState | undefined;
		let lastEventId = after;

		function endingOf(happening: Happening): Ending | undefined {
			if (happening.kind === 'end') return { outcome: 'ended' };
			if (happening.kind === 'state') {
				state = happening.state;
				return statuses.some((each) => each === happening.state.status) ? { outcome: 'status' } : undefined;
			}
			const { event } = happening;
			lastEventId = event.id;
			return eventType !== undefined && matches(event.type, eventType)
				? { outcome: 'event', event }
				: undefined;
		}

		const timer = setTimeout(() => stop.abort('time'), timeoutSeconds * 1000);
		try {
			const watched = await watch(c, sessionId, { after, stop: stop.signal });
			watched.keep(timeoutSeconds);
			const ending =
				endingOf({ kind: 'state', state: watched.state }) ??
				(await firstEnding(watched.happenings, endingOf)) ??
				({ outcome: 'timeout' } satisfies Ending);
			return { ...ending, session: state, ...(lastEventId === undefined ? {} : { lastEventId }) };
		} finally {
			clearTimeout(timer);
			stop.abort('gone');
		}
	},
});

/** The first ending among what happens, or undefined when nothing more happens. */
async function firstEnding(
	happenings: AsyncGenerator<Happening[], void>,
	endingOf: (happening: Happening) => Ending | undefined,
): Promise<Ending | undefined> {
	for await (const some of happenings) {
		for (const happening of some) {
			const ending = endingOf(happening);
			if (ending) return ending;
		}
	}
	return undefined;
}

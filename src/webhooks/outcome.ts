import { type MessageRow, NEVER, type Outstanding, type Target } from './message-store.ts';
import { iso, nextTry } from './schedule.ts';
import type { Sent } from './send.ts';
import type { Tried } from './send-all.ts';

/** Messages in a row whose last try failed, after which the endpoint is disabled. */
const MAX_FAILED_IN_A_ROW = 20;
/**
 * How long a message waits for an endpoint to which nothing arrives, before the endpoint is disabled. The tries of a message are over
 * before, unless so many wait that an endpoint that pauses never gets their last one.
 */
const MAX_FAILING_MS = 5 * 86_400_000;

/** What is to be stored after the tries of the messages that were taken. */
export function outcomeOf(target: Target, messages: readonly MessageRow[], tried: Tried, now: number) {
	const arrived: string[] = [];
	const outstanding: Outstanding[] = [];
	let failedInARow = target.failed_in_a_row;
	let last: Sent | undefined;
	const tries = new Map(messages.map((message) => [message.id, message.tries]));
	for (const [id, sent] of tried.results) {
		if (!sent.error) {
			arrived.push(id);
			failedInARow = 0;
			continue;
		}
		last = sent;
		const next = nextTry((tries.get(id) ?? 0) + 1, sent, now, Math.random());
		if (next === null) failedInARow += 1;
		const failed = { at: iso(now), status: sent.status, error: sent.error };
		// An endpoint that is gone gets nothing until it is enabled, and everything then.
		const nextTryAt = next === null ? NEVER : iso(tried.isGone ? now : next);
		outstanding.push({ id, nextTryAt, failed });
	}
	const nextTryAt = iso(tried.waitUntil ?? now);
	for (const { id } of messages) if (!tried.results.has(id)) outstanding.push({ id, nextTryAt });
	const resumeAt = tried.pausedUntil === undefined ? null : iso(tried.pausedUntil);
	const failingSince = tried.failingSince === undefined ? null : iso(tried.failingSince);
	const isOverdue = messages.some(
		({ id, created_at: at }) => tried.results.get(id)?.error && now - Date.parse(at) > MAX_FAILING_MS,
	);
	const isFailing = isOverdue && now - (tried.failingSince ?? now) > MAX_FAILING_MS;
	const trouble = { isGone: tried.isGone, failedInARow, failingSince: isFailing ? failingSince : null };
	const disable = disablingOf(trouble, last, iso(now));
	return { arrived, outstanding, failedInARow, failingSince, resumeAt, disable };
}

/** Why an endpoint is disabled after a round, or undefined. `failingSince` is null unless that is long ago. */
function disablingOf(
	trouble: { isGone: boolean; failedInARow: number; failingSince: string | null },
	last: Sent | undefined,
	now: string,
) {
	const { isGone, failedInARow, failingSince } = trouble;
	if (isGone) return { code: 'GONE', reason: 'The endpoint answered 410 (Gone).', now } as const;
	if (!last) return undefined;
	const how = last.status === null ? `had no answer (${last.error})` : `was answered with ${last.status}`;
	if (failedInARow >= MAX_FAILED_IN_A_ROW) {
		const reason = `The last tries of ${failedInARow} messages in a row failed. The latest one ${how}.`;
		return { code: 'FAILING', reason, now } as const;
	}
	if (failingSince === null) return undefined;
	const reason = `Nothing has arrived since ${failingSince}. The latest message ${how}.`;
	return { code: 'FAILING', reason, now } as const;
}

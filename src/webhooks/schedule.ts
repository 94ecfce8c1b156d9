/**
 * When the next try of a message is due: the schedule that the Standard Webhooks specification suggests, ten tries in 75 hours.
 * Pure.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The pause after each failed try. The first try is at once. */
const PAUSES = [
	5 * SECOND,
	5 * MINUTE,
	30 * MINUTE,
	2 * HOUR,
	5 * HOUR,
	10 * HOUR,
	14 * HOUR,
	20 * HOUR,
	24 * HOUR,
] as const;
/** An endpoint that cannot keep up pauses for this part of the time for which every try has failed, within limits. */
const PAUSED_PART = 0.1;
const LONGEST_PAUSE = 10 * MINUTE;
/** How much longer a pause can be by chance, so that what failed together does not come again together. */
const JITTER = 0.1;
/** The longest wait that an endpoint may ask for. */
const MAX_RETRY_AFTER = 24 * HOUR;
/** The answers of an endpoint, or of a gateway before it, that cannot keep up. */
const OVERLOADED = [429, 502, 503, 504];

/** An answer, or that there was none in time. */
export interface Answer {
	status: number | null;
	timedOut: boolean;
	/** The header Retry-After. */
	retryAfter: string | null;
}

/** The three forms of a date in HTTP (RFC 9110, section 5.6.7). Date.parse would find a year in almost any text. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w -]*\d\d:\d\d:\d\d(?: GMT| \d{4})$/;

/** The time that a Retry-After names, in epoch milliseconds: RFC 9110, in seconds or as a date. Undefined: neither. */
function retryAfterTime(header: string | null, now: number): number | undefined {
	const text = header?.trim() ?? '';
	const isDate = HTTP_DATE.test(text);
	const time = isDate ? Date.parse(text) : /^\d+$/.test(text) ? now + Number(text) * SECOND : Number.NaN;
	if (Number.isNaN(time) || time <= now) return undefined;
	return Math.min(time, now + MAX_RETRY_AFTER);
}

/**
 * The next try of a message after `tries` failed ones, in epoch milliseconds. Null: there is none. `chance` is a random number
 * from 0 to 1.
 */
export function nextTry(
	tries: number,
	{ retryAfter }: Pick<Answer, 'retryAfter'>,
	now: number,
	chance: number,
): number | null {
	const pause = PAUSES[tries - 1];
	if (pause === undefined) return null;
	return Math.max(now + pause * (1 + JITTER * chance), retryAfterTime(retryAfter, now) ?? 0);
}

/** A time in epoch milliseconds as it is stored. */
export const iso = (time: number): string => new Date(time).toISOString();

/**
 * Until when an endpoint gets nothing, in epoch milliseconds, after an answer that says it is overloaded, or after none in time.
 * Undefined: other messages go on. Every try since `failingSince` has failed.
 */
export function pauseAfter(
	{ status, timedOut, retryAfter }: Answer,
	failingSince: number,
	now: number,
): number | undefined {
	if (!timedOut && !OVERLOADED.includes(status ?? 0)) return undefined;
	const pause = Math.min(LONGEST_PAUSE, Math.max(PAUSES[0], (now - failingSince) * PAUSED_PART));
	return retryAfterTime(retryAfter, now) ?? now + pause;
}

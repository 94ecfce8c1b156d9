import type { ErrorBody, ErrorCode } from '../core/errors.ts';
import type { RequestContext } from '../http/context.ts';
import { errorResponse } from '../http/error-response.ts';

/** What a language model can do about an error, where the message does not say it. */
const NEXT: Partial<Record<ErrorCode, string>> = {
	VALIDATION_ERROR: 'Correct these arguments and call the tool again.',
	FORBIDDEN: 'Do not try again with this key. Tell the user which permission is missing.',
	QUOTA_EXCEEDED: 'Do not try again. Tell the user that the quota is used up.',
	SESSION_NOT_FOUND:
		'Check the id. It may have been deleted or have expired. list_sessions shows the sessions of this key.',
	VERSION_NOT_FOUND: 'list_versions shows the versions that are kept.',
	PRECONDITION_FAILED:
		'Somebody else changed the session. Read it with get_session, and call the tool again with the new etag as ifMatch.',
	PAYLOAD_TOO_LARGE: 'Send less at once.',
	IDEMPOTENCY_KEY_REUSED: 'Use another idempotencyKey for other content.',
	INTERNAL_ERROR: 'Tell the user the request id.',
};

/** The headers of the REST API by the arguments that stand for them. */
const ARGUMENTS = { 'Idempotency-Key': 'idempotencyKey', 'If-Match': 'ifMatch' } as const;

/** Whether a call can be made again when nobody knows what it has done: always, or because it has an Idempotency-Key. */
export type Repeatable = 'yes' | 'by its key' | 'no';

/** What to do some seconds after a call. One that got a 429 has done nothing. */
function waitAndThen(seconds: string, status: number, repeatable: Repeatable): string {
	if (repeatable === 'by its key')
		return `Wait ${seconds} s, then make the same call with the same idempotencyKey.`;
	if (repeatable === 'yes' || status === 429) return `Wait ${seconds} s, then make the same call again.`;
	return `The call may have taken effect. Wait ${seconds} s, then read the session or list_sessions, and make the call again only if it has not. A call with an idempotencyKey can be repeated safely.`;
}

/**
 * Says what was wrong and what to do next, for a language model. Logs errors that are bugs or outages.
 */
export async function errorText(
	thrown: Error,
	c: RequestContext,
	repeatable: Repeatable = 'yes',
): Promise<string> {
	const response = errorResponse(thrown, c);
	const { error, code, details = [], requestId } = await response.json<ErrorBody>();
	const seconds = response.headers.get('Retry-After');
	const problems = details.map(({ path, message, suggestion }) =>
		[`- ${path}: ${message}.`, ...(suggestion === undefined ? [] : [suggestion])].join(' '),
	);
	const next = seconds === null ? NEXT[code] : waitAndThen(seconds, response.status, repeatable);
	return [
		`${code}: ${error}`,
		...problems,
		...(next === undefined ? [] : [next]),
		...(response.status >= 500 ? [`Request id: ${requestId}`] : []),
	]
		.join('\n')
		.replaceAll(/Idempotency-Key|If-Match/g, (header) => ARGUMENTS[header as keyof typeof ARGUMENTS]);
}

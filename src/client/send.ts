import { pause } from './abort.ts';
import { ApiError } from './error.ts';
import { Failure } from './failure.ts';
import { randomId } from './headers.ts';
import type { CallOptions, FetchResponse } from './options.ts';
import { foreign, jsonOf, type Sent } from './response.ts';
import { delayBefore, MAX_FOREIGN_RETRIES, MAX_RETRY_AFTER_MS } from './retry.ts';
import { attempt, type OutgoingRequest, type Service, settled, tokenWithin } from './service.ts';

/** What a call does, which decides what a later response tells about an earlier attempt. */
export type Kind =
	| 'read'
	/** A write with an Idempotency-Key, which the service carries out once. */
	| 'keyed'
	| 'patch'
	| 'delete'
	/** Any other write. */
	| 'other';

export interface Call extends OutgoingRequest {
	kind: Kind;
	/** Whether the request may be sent again when it is unknown whether it was carried out. */
	isRepeatable: boolean;
	/** The status of its success. Undefined for a call that the client does not know. */
	documented: number | undefined;
	/** Whether a body is that of the call's success. */
	isOwn(body: unknown): boolean;
	options: CallOptions;
}

/** A response to a call, with the value of its JSON body. */
export interface Answer {
	body: unknown;
	text: string;
	response: FetchResponse;
}

/**
 * Sends a call, retries it when that is safe, and returns its response. Throws an ApiError, the reason of the caller's
 * signal, or the error of the caller's token function.
 */
export async function send(service: Service, call: Call): Promise<Answer> {
	const { options } = call;
	const { signal } = options;
	const { timeoutMs, maxRetries, given } = settled(service, options);
	const request = { ...call, headers: { ...given, ...call.headers } };
	const callId = randomId();
	let token: string | undefined;
	let wasRenewed = false;
	let wasLost = false;
	let foreigners = 0;
	/** An error of the caller's token function tells nothing of an earlier attempt. The reason of the signal is thrown as it is. */
	const orUnknown = (thrown: unknown) => (wasLost && !signal?.aborted ? unknown(call, thrown) : thrown);
	for (let failures = 0, retry = 0; ; retry += 1) {
		const requestId = given['x-request-id'] ?? `${callId}.${retry}`;
		try {
			signal?.throwIfAborted();
			token ??= await tokenWithin(service.tokens.current(), timeoutMs, signal);
			const sending = { token, requestId, retry, timeoutMs, signal, connection: new AbortController() };
			return await attempt(service, request, sending, call.documented, (response, sent) =>
				answerOf(call, response, sent),
			);
		} catch (thrown) {
			if (!(thrown instanceof Failure)) throw orUnknown(thrown);
			const { error, means, response, retryAfterMs } = thrown;
			if (wasLost && response && means === 'refused' && isGone(call, error)) {
				return { body: undefined, text: '', response };
			}
			const isTold = means === 'refused' && (!wasLost || tells(call, error));
			wasLost ||= call.kind !== 'read' && (means === 'lost' || means === 'foreign');
			failures += 1;
			foreigners += means === 'foreign' ? 1 : 0;
			const failure = () => (wasLost && !isTold ? unknown(call, error) : error);
			const mayRepeat = means === 'not yet' || call.isRepeatable;
			if (error.status === 401 && !wasRenewed && (means === 'refused' || mayRepeat)) {
				wasRenewed = true;
				const renewed = await tokenWithin(service.tokens.renewed(token ?? ''), timeoutMs, signal).catch(
					(reason) => {
						throw orUnknown(reason);
					},
				);
				if (renewed !== undefined) {
					token = renewed;
					continue;
				}
			}
			const isWorthIt = means === 'foreign' ? foreigners <= MAX_FOREIGN_RETRIES : means !== 'refused';
			const isSoon = retryAfterMs <= MAX_RETRY_AFTER_MS;
			if (!(mayRepeat && isWorthIt && isSoon && failures <= maxRetries)) throw failure();
			await pause(delayBefore(failures, retryAfterMs), signal);
		}
	}
}

async function answerOf(call: Call, response: FetchResponse, sent: Sent): Promise<Answer> {
	const text = await response.text();
	// A 204 has no body.
	const body = response.status === 204 ? null : jsonOf(text);
	if (call.isOwn(body)) return { body, text, response };
	// JSON that does not parse was cut off in transit. Anything else comes from another server.
	const isCut = body === undefined && /json/i.test(response.headers.get('Content-Type') ?? '');
	throw isCut ? foreign(response, sent, 'lost', 'The response is not whole.') : foreign(response, sent);
}

/** Whether an earlier attempt of a deletion was carried out, because there is nothing left to delete. */
const isGone = ({ kind }: Call, { code }: ApiError): boolean =>
	kind === 'delete' && code === 'SESSION_NOT_FOUND';

/**
 * Whether a refusal of the service shows that no earlier attempt of the same write was carried out, or that nothing of it is
 * left. A rejected token or permission does not. A 412 does not show it for a PATCH: the first attempt of the same PATCH
 * may have changed the session.
 */
function tells({ kind }: Call, { status }: ApiError): boolean {
	if (kind === 'read') return true;
	if (kind === 'other' || status === 401 || status === 403) return false;
	return !(kind === 'patch' && status === 412);
}

/** The error of a write after a lost response. */
function unknown({ method }: Call, cause: unknown): ApiError {
	const last = cause instanceof Error ? cause.message : String(cause);
	const { status = 0, requestId = undefined } = cause instanceof ApiError ? cause : {};
	return new ApiError(`No response says whether the ${method} was carried out. Last failure: ${last}`, {
		status,
		code: 'OUTCOME_UNKNOWN',
		requestId,
		cause,
	});
}

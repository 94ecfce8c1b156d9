import { type Answer, type Call, send } from './send.ts';
import type { Service } from './service.ts';

/** The data of a response, with what else the response says. */
export interface WithResponse<T> {
	data: T;
	/** The response itself. Its body has been read. */
	response: Response;
	/** The id of the request in the service's log. */
	requestId: string | undefined;
	/** The version of the session, for `ifMatch`. */
	etag: string | undefined;
	/** Whether the response repeats that of an earlier request with the same Idempotency-Key. */
	isReplay: boolean;
	/** The `X-D1-Bookmark`: send it with a later read, which may then be served by a replica that is as recent. */
	bookmark: string | undefined;
	/** The body as it arrived, in which numbers have all of their digits. */
	text: string;
}

/** A pending call: `await` it for the data, or `withResponse()` for the response as well. */
export interface Answered<T> extends Promise<T> {
	/**
	 * Gives the data together with the response. It sends nothing of its own.
	 *
	 * @example
	 * const { data, requestId, etag } = await client.get(session.id).withResponse();
	 */
	withResponse(): Promise<WithResponse<T>>;
}

/** Sends the call that `make` returns, and gets the data from its answer. What `make` throws, the pending call throws. */
export function ask<T>(service: Service, make: () => Call, dataOf: (answer: Answer) => T): Answered<T> {
	const whole = (async () => {
		const answer = await send(service, make());
		return withResponse(answer, dataOf(answer));
	})();
	const data = whole.then((arrived) => arrived.data);
	return Object.assign(data, {
		withResponse() {
			// Whoever awaits the whole hears of a failure there.
			data.catch(() => {});
			return whole;
		},
	});
}

function withResponse<T>({ response, text }: Answer, data: T): WithResponse<T> {
	const header = (name: string) => response.headers.get(name) ?? undefined;
	return {
		data,
		response: response as Response,
		requestId: header('X-Request-Id'),
		etag: header('ETag'),
		isReplay: header('Idempotency-Replayed') === 'true',
		bookmark: header('X-D1-Bookmark'),
		text,
	};
}

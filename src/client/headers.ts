import type { RequestHeaders } from './options.ts';
import { version } from './values.ts';

/** The headers that the client sets itself: from the token, from an option of the call, or by what it can read. */
const OWN = /^(accept|authorization|content-type|idempotency-key|if-match|if-none-match|last-event-id)$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\x20-\x7e\x80-\xff]*$/;

/**
 * The headers of the client and of a call by their lowercase names; those of the call take precedence. Throws a TypeError for a header that
 * cannot be sent, or that has an option of its own. The message does not contain the value, which may be a secret.
 */
export function givenHeaders(
	ofClient: RequestHeaders = {},
	ofCall: RequestHeaders = {},
): Record<string, string> {
	const given: Record<string, string> = {};
	for (const [name, value] of [...Object.entries(ofClient), ...Object.entries(ofCall)]) {
		if (value === undefined) continue;
		const lower = name.toLowerCase();
		if (OWN.test(lower)) {
			throw new TypeError(`headers must not contain ${name}. The client sets it: use the option for it.`);
		}
		if (!NAME.test(name) || typeof value !== 'string' || !VALUE.test(value)) {
			throw new TypeError(
				`The header ${JSON.stringify(name)} cannot be sent. It must be Latin-1 in one line.`,
			);
		}
		given[lower] = value;
	}
	return given;
}

/** Browsers do not let a page choose its User-Agent. The service lets pages of other origins send this one. */
const isPage = () => 'document' in globalThis || 'importScripts' in globalThis;

/** The headers of one attempt, with a request id of its own if `given` has none. */
export function headersOf(
	given: Readonly<Record<string, string>>,
	{ token, requestId, retry }: { token: string; requestId: string; retry: number },
): Record<string, string> {
	const agent = `product-generation-sessions-client/${version} (retry ${retry})`;
	return {
		accept: 'application/json',
		'x-request-id': requestId,
		[isPage() ? 'x-user-agent' : 'user-agent']: agent,
		...given,
		authorization: `Bearer ${token}`,
	};
}

/** 128 random bits. `crypto.randomUUID` does not exist in pages that are not served over HTTPS. */
export const randomId = (): string =>
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
		'',
	);

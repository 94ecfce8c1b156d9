import { sha256Hex } from '../core/sha256.ts';

/**
 * An API key: `rt_live_` or `rt_test_`, 256 random bits in lowercase hex, and the first eight hex digits of the SHA-256
 * of what stands before them. The checksum finds typos without a trip to D1; it is no secret.
 */
const FORM = /^(rt_(?:live|test)_[0-9a-f]{64})([0-9a-f]{8})$/;
const CHECKSUM_DIGITS = 8;
const RANDOM_BYTES = 32;
/** As much of a key as tells it from others in a list: 32 of its 256 bits. */
const PREFIX_LENGTH = 'rt_live_'.length + 8;

export type KeyEnvironment = 'live' | 'test';

/** Makes a key with what is stored of it. */
export async function newApiKey(
	environment: KeyEnvironment,
): Promise<{ key: string; keyHash: string; prefix: string }> {
	const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
	const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
	const body = `rt_${environment}_${hex}`;
	const key = body + (await sha256Hex(body)).slice(0, CHECKSUM_DIGITS);
	return { key, keyHash: await sha256Hex(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/** The SHA-256 of a key, or undefined when the text is none: wrong form or wrong checksum. */
export async function apiKeyHash(text: string): Promise<string | undefined> {
	const [, body, checksum] = FORM.exec(text) ?? [];
	if (body === undefined || checksum === undefined) return undefined;
	if ((await sha256Hex(body)).slice(0, CHECKSUM_DIGITS) !== checksum) return undefined;
	return sha256Hex(text);
}

import { sha256Hex } from '../core/sha256.ts';

/**
 * The format of an API key: `rt_live_` or `rt_test_`, 256 random bits in lowercase hex, and the first eight hex digits of
 * the SHA-256 of everything before them. The checksum finds typos without a round trip to D1. It is not a secret: anybody
 * can compute it for a made-up key.
 */
const FORMAT = /^(rt_(?:live|test)_[0-9a-f]{64})([0-9a-f]{8})$/;
const CHECKSUM_DIGITS = 8;
const RANDOM_BYTES = 32;
/** Enough of a key to tell it from others in a list: 32 of its 256 bits. */
const PREFIX_LENGTH = 'rt_live_'.length + 8;

export type KeyEnvironment = 'live' | 'test';

/** The environment of a key, by the key itself or by its prefix. */
export const environmentOf = (key: string): KeyEnvironment => (key.startsWith('rt_test_') ? 'test' : 'live');

/** Makes a key, with the hash and prefix that are stored. */
export async function newApiKey(
	environment: KeyEnvironment,
): Promise<{ key: string; keyHash: string; prefix: string }> {
	const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
	const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
	const body = `rt_${environment}_${hex}`;
	const key = body + (await checksumOf(body));
	return { key, keyHash: await sha256Hex(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/** Whether a text has the format of an API key, with the right checksum. */
export async function isWellFormedKey(text: string): Promise<boolean> {
	const [, body, checksum] = FORMAT.exec(text) ?? [];
	return body !== undefined && checksum === (await checksumOf(body));
}

const checksumOf = async (body: string): Promise<string> => (await sha256Hex(body)).slice(0, CHECKSUM_DIGITS);

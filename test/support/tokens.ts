/** Session tokens as Clerk signs them, and forged ones. */

export const ISSUER = 'https://clerk.test';
/** The time at which tests verify tokens: 2026-11-24T12:00:00Z in seconds. */
export const NOW = 1_795_521_600;

export interface SigningKey {
	pem: string;
	jwk: JsonWebKey & { kid: string };
	privateKey: CryptoKey;
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
export const base64url = (content: string | Uint8Array): string =>
	base64(typeof content === 'string' ? utf8(content) : content)
		.replaceAll('+', '-')
		.replaceAll('/', '_')
		.replaceAll('=', '');

/** Makes an RSA key pair. */
export async function newSigningKey(kid = 'kid_1', bits = 2048): Promise<SigningKey> {
	const algorithm = {
		name: 'RSASSA-PKCS1-v1_5',
		modulusLength: bits,
		publicExponent: new Uint8Array([1, 0, 1]),
		hash: 'SHA-256',
	};
	const { publicKey, privateKey } = (await crypto.subtle.generateKey(algorithm, true, [
		'sign',
		'verify',
	])) as CryptoKeyPair;
	const spki = new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer);
	const lines = base64(spki).match(/.{1,64}/g) ?? [];
	const { kty, n, e } = (await crypto.subtle.exportKey('jwk', publicKey)) as JsonWebKey & {
		kty: string;
		n: string;
		e: string;
	};
	return {
		pem: `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----`,
		jwk: { kty, n, e, kid, alg: 'RS256', use: 'sig' },
		privateKey,
	};
}

/** The claims of a valid token with changes. A claim that is undefined is left out. */
export const claimsWith = (other: Record<string, unknown> = {}): Record<string, unknown> => ({
	azp: 'https://app.example',
	exp: NOW + 60,
	iat: NOW - 5,
	iss: ISSUER,
	nbf: NOW - 15,
	sid: 'sess_clerk',
	sts: 'active',
	sub: 'user_1',
	v: 2,
	...other,
});

/** Signs any text as the payload, under any header text, with RSASSA-PKCS1-v1_5 and SHA-256. */
export async function signRaw(
	key: SigningKey,
	header: string | Uint8Array,
	payload: string | Uint8Array,
): Promise<string> {
	const input = `${base64url(header)}.${base64url(payload)}`;
	const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key.privateKey, utf8(input));
	return `${input}.${base64url(new Uint8Array(signature))}`;
}

/** Signs claims, with changed header members. */
export const signToken = (
	key: SigningKey,
	claims: Record<string, unknown> = {},
	header: Record<string, unknown> = {},
): Promise<string> =>
	signRaw(
		key,
		JSON.stringify({ alg: 'RS256', kid: key.jwk.kid, typ: 'JWT', ...header }),
		JSON.stringify(claimsWith(claims)),
	);

/** Signs claims by HMAC with SHA-256, with a secret of any bytes. */
export async function signHmac(
	secret: string,
	header: Record<string, unknown>,
	claims: Record<string, unknown> = {},
): Promise<string> {
	const key = await crypto.subtle.importKey('raw', utf8(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
		'sign',
	]);
	const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claimsWith(claims)))}`;
	return `${input}.${base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(input))))}`;
}

/**
 * Keeps the key of this tab for the pages at /inspector and /docs, so that neither a reload nor the way from one to the other asks
 * for it again. Browsers write `sessionStorage` into files, and what was removed from it stays in them for a while. So the key is
 * encrypted there, and what decrypts it is a session cookie: every tab is signed out, also one that is closed or asleep, when the
 * cookie is deleted.
 */
const ITEM = 'key';
/** Cookies do not tell the ports of a host apart. The service does not read it. */
const COOKIE = `pages-${location.port || 'default'}`;
/**
 * Each page has a cookie of its own with the same secret. A single one would need the path `/`, and the browser would send it with
 * every call of the API. A page reads the cookies of its own path alone, but it can set and delete those of other paths.
 */
const PATHS = ['/inspector', '/docs'] as const;
const ATTRIBUTES = `SameSite=Strict${location.protocol === 'https:' ? '; Secure' : ''}`;
const IV_BYTES = 12;

const toText = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
	Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** The secret of this page’s cookie. */
const cookieSecret = (): string | undefined =>
	document.cookie
		.split('; ')
		.find((cookie) => cookie.startsWith(`${COOKIE}=`))
		?.slice(COOKIE.length + 1);

function setCookies(cookie: string): void {
	for (const path of PATHS) {
		// biome-ignore lint/suspicious/noDocumentCookie: The Cookie Store API is missing in browsers that are in use.
		document.cookie = `${COOKIE}=${cookie}; Path=${path}; ${ATTRIBUTES}`;
	}
}

const aesKey = (secret: string): Promise<CryptoKey> =>
	crypto.subtle.importKey('raw', toBytes(secret), 'AES-GCM', false, ['encrypt', 'decrypt']);

/**
 * Keeps a key for this tab. A page that came by plain HTTP from another machine has no WebCrypto, and a browser may refuse
 * cookies: nothing is kept then, and a reload asks again.
 */
export async function keepKey(key: string): Promise<void> {
	if (!isSecureContext) return;
	if (cookieSecret() === undefined) {
		setCookies(toText(crypto.getRandomValues(new Uint8Array(32))));
	}
	const secret = cookieSecret();
	if (secret === undefined) return;
	const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
	const data = new TextEncoder().encode(key);
	const encrypted = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await aesKey(secret), data);
	sessionStorage.setItem(ITEM, toText(new Uint8Array([...iv, ...new Uint8Array(encrypted)])));
}

/** The key of this tab, if it has one and nobody has signed out since. */
export async function keptKey(): Promise<string | undefined> {
	const [kept, secret] = [sessionStorage.getItem(ITEM), cookieSecret()];
	if (kept === null || secret === undefined || !isSecureContext) return undefined;
	const [iv, data] = [toBytes(kept).slice(0, IV_BYTES), toBytes(kept).slice(IV_BYTES)];
	// It fails for a key that was kept before somebody signed out and in again.
	const decrypted = await crypto.subtle
		.decrypt({ name: 'AES-GCM', iv }, await aesKey(secret), data)
		.catch(() => undefined);
	return decrypted && new TextDecoder().decode(decrypted);
}

export const forgetKey = (): void => sessionStorage.removeItem(ITEM);

const windows = new BroadcastChannel('pages');

/** Forgets the keys of all tabs. */
export function forgetAllKeys(): void {
	forgetKey();
	setCookies('; Max-Age=0');
	windows.postMessage('signed out');
}

/** Calls a function when another window signs out. Returns a function that ends this. */
export function onSignOutElsewhere(signOut: () => void): () => void {
	const listener = () => {
		forgetKey();
		signOut();
	};
	windows.addEventListener('message', listener);
	return () => windows.removeEventListener('message', listener);
}

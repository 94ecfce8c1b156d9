/** The path of the sessions of a service, for `client.request`. */
export const SESSIONS_PATH = '/v1/products/generation/sessions';

/** The base of all paths, without a slash at its end. Throws a TypeError when `baseUrl` is not the URL of a service. */
export function baseOf(baseUrl: string): string {
	const url = urlOf(baseUrl);
	if (url === undefined || !/^https?:$/.test(url.protocol)) {
		throw new TypeError('The baseUrl must be a URL with http:// or https://.');
	}
	// `search` and `hash` are empty for a lone `?` or `#`.
	if (/[?#]/.test(baseUrl) || url.username !== '' || url.password !== '') {
		throw new TypeError('The baseUrl must be without a query, a fragment and a user name.');
	}
	return url.origin + url.pathname.replace(/\/+$/, '');
}

/** Not `URL.canParse`, which older browsers do not have. */
function urlOf(text: string): URL | undefined {
	try {
		return new URL(text);
	} catch {
		return undefined;
	}
}

/** A path of segments. Throws a TypeError for an id that is missing or would change the path. */
export function pathOf(...segments: string[]): string {
	for (const segment of segments) {
		if (typeof segment !== 'string' || !/^[\w-]+$/.test(segment)) {
			throw new TypeError(
				`${JSON.stringify(segment)} is not an id. Pass that of a session, such as session.id.`,
			);
		}
	}
	return [SESSIONS_PATH, ...segments].join('/');
}

/** The values of a query. Those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The query of the defined values, with its question mark. Empty when all are undefined. */
export function queryOf(values: Query): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(values)) {
		if (value !== undefined) query.set(name, String(value));
	}
	return String(query) && `?${query}`;
}

const SESSIONS_PATH = '/v1/products/generation/sessions';

/** The URL of the sessions of the service at `baseUrl`. Throws a TypeError when that is not an http(s) URL. */
export function serviceUrl(baseUrl: string): string {
	if (!/^https?:$/.test(new URL(baseUrl).protocol)) {
		throw new TypeError('The baseUrl must begin with http:// or https://.');
	}
	return baseUrl.replace(/\/+$/, '') + SESSIONS_PATH;
}

/** The URL of a path below the sessions. Throws a TypeError for an id that would change the path. */
export function urlBelow(sessionsUrl: string, ...segments: string[]): string {
	for (const segment of segments) {
		if (!/^[\w-]+$/.test(segment)) throw new TypeError(`${JSON.stringify(segment)} is not an id.`);
	}
	return [sessionsUrl, ...segments].join('/');
}

/** The query of the defined values, with its question mark. Empty when all are undefined. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
	const given = Object.entries(values).flatMap(([name, value]) =>
		value === undefined ? [] : [[name, String(value)] as [string, string]],
	);
	return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

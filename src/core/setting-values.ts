import * as z from 'zod';

/**
 * What a setting may be written as. Each schema takes an empty or blank text as its default, normalizes what has one
 * meaning, and refuses the rest with what to write instead.
 */

/** The text of a setting without white space around it. wrangler.toml also allows numbers. */
export const written = z
	.union([z.string(), z.number().transform(String)], { error: 'must be a text in quotation marks' })
	.default('')
	.transform((text) => text.trim());

/** A whole number in decimal digits. */
export const wholeNumber = (fallback: number, min: number, max: number = Number.MAX_SAFE_INTEGER) =>
	written.transform((text, context): number => {
		if (text === '') return fallback;
		const number = Number(text);
		if (/^\d+$/.test(text) && number >= min && number <= max) return number;
		const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
		return refuse(context, `must be a whole number ${range}, in digits alone`);
	});

/** `true` or `false`. Empty: `false`. */
export const yesOrNo = written.transform((text, context): boolean =>
	text === 'true' || text === 'false' || text === ''
		? text === 'true'
		: refuse(context, 'must be true or false'),
);

/**
 * The origins of pages, comma-separated, as browsers send them: in lower case, without the default port, and without a
 * slash at the end. `wildcard` also allows `*`.
 */
export const origins = ({ wildcard }: { wildcard?: '*' } = {}) =>
	written.transform((text, context): string[] =>
		text
			.split(',')
			.map((part) => part.trim())
			.filter((part) => part !== '')
			.map((part) => {
				if (part === wildcard) return part;
				const origin = originOf(part);
				return origin ?? refuse(context, `${JSON.stringify(part)} ${whyNoOrigin(part, wildcard)}`);
			}),
	);

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

function originOf(text: string): string | undefined {
	const url = urlOf(text.replace(/\/+$/, ''));
	if (!url || !/^\/?$/.test(url.pathname)) return undefined;
	// The origin of a scheme that URL does not know, such as an extension's, is its scheme and host.
	return `${url.protocol}//${url.host}`.toLowerCase();
}

/** A host as URL writes it: a name or an address, perhaps with a port. URL itself also takes a `;` or a quotation mark. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/;

/** A URL with a host, and without a user, a query, a fragment, white space and wildcards. */
function urlOf(text: string): URL | undefined {
	if (!SCHEME.test(text) || /[\s,*?#@\\]/.test(text) || !URL.canParse(text)) return undefined;
	const url = new URL(text);
	return HOST.test(url.host) ? url : undefined;
}

function whyNoOrigin(text: string, wildcard: '*' | undefined): string {
	const example = 'write it like https://app.example';
	if (text === 'null') return `is sent by pages without an origin, so it names no page; ${example}`;
	if (/\s/.test(text)) return 'has a space within; separate origins by commas';
	if (text.includes('*')) {
		const all = wildcard ? ', or "*" alone for all' : '';
		return `has a wildcard, which matches no page; name each origin${all}`;
	}
	if (!SCHEME.test(text)) return `has no scheme; ${example}`;
	return `is not an origin, which is a scheme, a host and perhaps a port; ${example}`;
}

/** The URL of an issuer of tokens, without a slash at the end. Empty when there is none. */
export const issuer = written.transform((text, context): string => {
	if (text === '') return '';
	const url = urlOf(text);
	return url && /^https?:$/.test(url.protocol)
		? `${url.origin}${url.pathname}`.replace(/\/+$/, '')
		: refuse(context, 'must be one URL such as https://clerk.example.com, without a query');
});

const PEM = /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/;

/** A public key as PEM, whose line breaks may be written as `\n`. Empty when there is none. A refusal never quotes it. */
export const publicKey = written.transform((text, context): string => {
	const pem = text.replaceAll('\\r', '').replaceAll('\\n', '\n').trim();
	if (pem === '' || PEM.test(pem)) return pem;
	return refuse(
		context,
		'must be a PEM that begins with -----BEGIN PUBLIC KEY----- and ends with -----END PUBLIC KEY-----',
	);
});

function refuse(context: z.RefinementCtx, message: string): never {
	context.addIssue({ code: 'custom', message });
	return z.NEVER;
}

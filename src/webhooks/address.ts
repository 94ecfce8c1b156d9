import ipaddr from 'ipaddr.js';
import type { Problem } from '../core/problems.ts';

/** The most characters of a URL. */
export const MAX_URL = 2048;

/**
 * Names that lead nowhere outside a machine, a private network or a platform: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476,
 * ICANN's `internal`, and what is in use without being registered.
 */
const PRIVATE_NAME = new RegExp(
	`(^|\\.)(${[
		...['localhost', 'local', 'internal', 'home\\.arpa', 'test', 'invalid', 'example', 'onion', 'alt'],
		...['intranet', 'private', 'lan', 'corp', 'home', 'localdomain', 'svc', 'consul', 'metadata\\.goog'],
	].join('|')})$`,
);
/** The platform of Azure, at a public address. */
const PLATFORM_ADDRESSES = ['168.63.129.16'];

/** Why the service sends nothing to a URL. */
export type AddressRefusal = Pick<Problem, 'message' | 'suggestion'> & {
	code: 'INVALID_FORMAT' | 'TOO_LONG' | 'REFUSED_ADDRESS';
};

const EXAMPLE = 'Use a public address, like https://hooks.example.com/sessions.';
const refused = (message: string): AddressRefusal => ({
	code: 'REFUSED_ADDRESS',
	message,
	suggestion: EXAMPLE,
});

/**
 * Returns why the service sends nothing to a URL, or undefined. `allowLoopback` allows this machine, also by plain http. It
 * looks at the address as `URL` writes it, which has one notation for a number. A name that resolves to a private address
 * cannot be told by its text: docs/webhooks.md says what stops it.
 */
export function refusalOf(text: string, allowLoopback: boolean): AddressRefusal | undefined {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	// Its `hash` is '' for a fragment without characters, too.
	if (!url || url.href.includes('#')) {
		return {
			code: 'INVALID_FORMAT',
			message: 'must be an absolute URL without a fragment',
			suggestion: EXAMPLE,
		};
	}
	// It can be longer than what was sent, because some characters are escaped.
	if (url.href.length > MAX_URL)
		return { code: 'TOO_LONG', message: `must have at most ${MAX_URL} characters as URL parsers write it` };
	if (url.username !== '' || url.password !== '') return refused('must not contain a user or a password');
	const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
	if (allowLoopback && isLoopback(host) && /^https?:$/.test(url.protocol)) return undefined;
	if (url.protocol !== 'https:') return refused('must begin with https://');
	if (ipaddr.isValid(host)) {
		return isPublic(host) ? undefined : refused('must not lead to an address that is not public');
	}
	if (!host.includes('.') || PRIVATE_NAME.test(host)) return refused('must not lead to a private name');
	return undefined;
}

/** Outside of this range, all IPv6 addresses are reserved, or contain an IPv4 address. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublic(host: string): boolean {
	const address = ipaddr.parse(host);
	if (address.range() !== 'unicast' || PLATFORM_ADDRESSES.includes(host)) return false;
	return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6);
}

const isLoopback = (host: string): boolean =>
	ipaddr.isValid(host) ? ipaddr.parse(host).range() === 'loopback' : /(^|\.)localhost$/.test(host);

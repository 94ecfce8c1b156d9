import type { Context } from 'hono';
import type { AppEnv } from '../http/context.ts';

/**
 * The address that Cloudflare gives to every request from a Worker of another zone. Source:
 * https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip-in-worker-subrequests.
 */
const OTHER_WORKERS = '2a06:98c0:3600:0:0:0:0:103';

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
	const [before = '', after] = address.toLowerCase().split('::');
	const head = before === '' ? [] : before.split(':');
	const tail = after ? after.split(':') : [];
	const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
	return [...head, ...zeros, ...tail].map((group) => group.replace(/^0+(?=.)/, ''));
}

/**
 * The networks of an address, the narrowest first. They are the IPv4 address itself, or the /64 that one IPv6 customer has at
 * least and the /48 that one has at most. `zone` is the value of `CF-Worker`: the zone of the Worker that sent the request.
 */
export function networksOf(address: string, zone: string | undefined): readonly string[] {
	if (!address.includes(':')) return [address];
	const groups = groupsOf(address);
	if (groups.join(':') === OTHER_WORKERS) return [`zone ${zone ?? ''}`];
	return [`${groups.slice(0, 4).join(':')}::/64`, `${groups.slice(0, 3).join(':')}::/48`];
}

/**
 * The networks that a request comes from. Cloudflare sets `CF-Connecting-IP`. `CF-Worker` counts only for an address that no
 * client outside Cloudflare has, because Cloudflare sets it on the requests of Workers.
 */
export const clientNetworks = (c: Context<AppEnv>): readonly string[] =>
	networksOf(c.req.header('CF-Connecting-IP') ?? '', c.req.header('CF-Worker'));

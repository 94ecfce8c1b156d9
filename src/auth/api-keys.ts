import * as z from 'zod';
import type { Patience, QueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { callerKey, type Permission, type Principal, permissionSchema } from '../core/principal.ts';
import { TRIPS_AT_ONCE } from '../core/turns.ts';
import { openDatabase } from '../database/database.ts';
import { turnsOf } from '../database/databases.ts';
import { findApiKey, touchApiKey } from './store.ts';

/** A valid key in the cache of an isolate. Times are in epoch milliseconds. */
interface CachedKey {
	keyId: string;
	principal: Principal;
	lastUsedAt: number;
	/** When the key must be looked up again. */
	staleAt: number;
}

/** The capacity of each map. An entry takes some hundred bytes, and for a key for one session its list of types. */
const MAX_ENTRIES = 2000;
/** The most characters that the lists in a map have together. One list has some 10,000 at most, and usually some 20. */
const MAX_LISTED = 1_000_000;
/** A rejection is cached for a short time only, because the key may be created meanwhile. */
const REJECTED_MS = 5_000;
/**
 * The look-ups of unknown keys of one network that an isolate has under way at once. A server with many keys sends them from one
 * address, so only a flood waits. It begins before the first of its keys is rejected.
 */
const LOOK_UP = { at: 'DB', kind: 'a look-up of a key', atOnce: 100, workAtOnce: Number.POSITIVE_INFINITY };
/** Those of a known caller, which come before each request at `cacheSeconds` 0, take turns with its calls. */
const LOOK_UP_OF_CALLER = { at: 'DB', kind: 'a call', atOnce: TRIPS_AT_ONCE };
/** A key's last use is written at most once in this time. */
const TOUCH_EVERY_MS = 3_600_000;

// The maps are keyed by the SHA-256 of a key, because an isolate must not hold keys themselves. Each kind has a map of its own,
// because anybody can make up keys, and a caller can make many keys for its sessions: neither may evict the keys of others.
// A stale entry of a valid key stays, because it tells a key that must be looked up again from a guess.
const accepted = new Map<string, CachedKey>();
const acceptedForSessions = new Map<string, CachedKey>();
/** When each rejected key may be looked up again. */
const rejected = new Map<string, number>();

/** Adds an entry to a map, as the newest. Evicts the oldest when the map is full. */
function put<V>(map: Map<string, V>, keyHash: string, value: V): void {
	map.delete(keyHash);
	const [oldest] = map.keys();
	if (map.size >= MAX_ENTRIES && oldest !== undefined) map.delete(oldest);
	map.set(keyHash, value);
}

const acceptedEntry = (keyHash: string): CachedKey | undefined =>
	accepted.get(keyHash) ?? acceptedForSessions.get(keyHash);

/**
 * What this isolate knows of a key. It has found an `accepted` key valid and has not rejected it since, but may have to look it
 * up again. It rejects a `rejected` key without a look-up. Only a look-up tells whether an `unknown` key is a guess.
 */
export function keyState(keyHash: string, now: number): 'accepted' | 'rejected' | 'unknown' {
	if ((rejected.get(keyHash) ?? 0) > now) return 'rejected';
	return acceptedEntry(keyHash) ? 'accepted' : 'unknown';
}

function accept(keyHash: string, key: CachedKey): void {
	put(key.principal.sessionId === null ? accepted : acceptedForSessions, keyHash, key);
	if (key.principal.appendTypes.length === 0) return;
	let listed = 0;
	for (const each of acceptedForSessions.values()) listed += listedBy(each);
	for (const [oldest, each] of acceptedForSessions) {
		if (listed <= MAX_LISTED) break;
		acceptedForSessions.delete(oldest);
		listed -= listedBy(each);
	}
}

const listedBy = ({ principal }: CachedKey): number =>
	principal.appendTypes.reduce((all, type) => all + type.length, 0);

/** Rejects a key without a look-up until a time. */
export function reject(keyHash: string, until: number): void {
	accepted.delete(keyHash);
	acceptedForSessions.delete(keyHash);
	put(rejected, keyHash, until);
}

/** The parts of a request that the check of a key needs. */
interface KeyCheck {
	d1: D1Database;
	stats: QueryStats;
	/** Epoch milliseconds. */
	now: number;
	/** The widest network of the client. The look-ups of keys that this isolate does not know take turns by it. */
	network: string;
	/** How long a valid key is cached. At 0 each request looks the key up. */
	cacheSeconds: number;
	/** What the look-up leaves of the time of its request. Undefined for a stream that is open. */
	patience: Patience | undefined;
	/** Runs a function after the request's own work, because D1 runs one query at a time. */
	afterResponse: (work: () => Promise<void>) => void;
}

/**
 * Finds the principal of a key by the key's SHA-256. Returns undefined for a key that is unknown, expired or revoked, and for a
 * key for one session whose maker is. Throws DatabaseUnavailable.
 *
 * An isolate that has looked a key up does not ask D1 again for `cacheSeconds`, which is the setting KEY_CACHE_SECONDS. So a
 * revoked key still works for that long at most, and at 0 it stops at once. An expiry takes effect at its time. An open stream
 * calls this only every few heartbeats, so it can go on for that much longer: `newTrust` in following/trust.ts.
 */
export async function checkKey(keyHash: string, check: KeyCheck): Promise<Principal | undefined> {
	const { now, cacheSeconds } = check;
	if (keyState(keyHash, now) === 'rejected') return undefined;
	const cached = acceptedEntry(keyHash);
	const isFresh = cached !== undefined && cacheSeconds > 0 && now < cached.staleAt;
	const key = isFresh ? cached : await lookUp(keyHash, cached, check);
	// An expiry that does not parse is NaN. This comparison then returns false and denies access.
	if (!key || !(key.principal.expiresAt > now)) {
		reject(keyHash, now + REJECTED_MS);
		return undefined;
	}
	if (!isFresh) accept(keyHash, key);
	if (now - key.lastUsedAt >= TOUCH_EVERY_MS) {
		key.lastUsedAt = now;
		check.afterResponse(() => noteUse(key.keyId, check));
	}
	return key.principal;
}

async function lookUp(
	keyHash: string,
	known: CachedKey | undefined,
	{ d1, stats, now, cacheSeconds, network, patience }: KeyCheck,
): Promise<CachedKey | undefined> {
	const takeTurn = known
		? turnsOf(callerKey(known.principal), LOOK_UP_OF_CALLER)
		: turnsOf(`network:${network}`, LOOK_UP);
	const row = await findApiKey(openDatabase(d1, stats, { takeTurn, patience }), keyHash);
	if (!row) return undefined;
	return {
		keyId: row.id,
		principal: {
			userId: row.user_id,
			organizationId: row.organization_id,
			permissions: storedPermissions(row.permissions),
			keyId: row.id,
			clerkSessionId: null,
			sessionId: row.session_id,
			appendTypes: storedAppendTypes(row.append_types),
			expiresAt: Math.min(expiryOf(row.expires_at), expiryOf(row.maker_expires_at)),
		},
		lastUsedAt: row.last_used_at === null ? 0 : Date.parse(row.last_used_at),
		staleAt: now + cacheSeconds * 1000,
	};
}

const expiryOf = (stored: string | null): number =>
	stored === null ? Number.POSITIVE_INFINITY : Date.parse(stored);

const storedPermissions = (text: string): Permission[] => z.array(permissionSchema).parse(text.split(','));

const storedAppendTypes = (json: string | null): string[] =>
	json === null ? [] : z.array(z.string()).parse(JSON.parse(json));

/** Writes when a key was last used. It has its own stats, because work after the response is not a cost of the request. */
async function noteUse(keyId: string, { d1, now }: KeyCheck): Promise<void> {
	const hourAgo = new Date(now - TOUCH_EVERY_MS).toISOString();
	try {
		await touchApiKey(openDatabase(d1), keyId, new Date(now).toISOString(), hourAgo);
	} catch (error) {
		log('warn', { message: 'use of a key not noted', keyId, ...errorFields(error) });
	}
}

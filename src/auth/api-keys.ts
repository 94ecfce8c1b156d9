import * as z from 'zod';
import type { QueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { type Permission, type Principal, permissionSchema } from '../core/principal.ts';
import { openDatabase } from '../database/database.ts';
import { apiKeyHash } from './api-key-format.ts';
import { findApiKey, touchApiKey } from './store.ts';

/** What an isolate remembers of a key. */
interface Known {
	/** Undefined: there is no such key, or it was revoked. */
	principal: Principal | undefined;
	/** Epoch milliseconds. */
	expiresAt: number;
	lastUsedAt: number;
	rememberUntil: number;
}

/** Entries of each map; some hundred bytes an entry. */
const MAX_REMEMBERED = 2000;
/** Unknown keys are forgotten sooner: a new key must not have to wait. */
const UNKNOWN_SECONDS = 5;
const TOUCH_EVERY_MS = 3_600_000;

// Two maps, so that guessed keys push out one another and never a real one.
const valid = new Map<string, Known>();
const unknown = new Map<string, Known>();

/** The hashes of keys that work, by the key: two digests less for each call. */
const hashes = new Map<string, string>();

/** The SHA-256 of a key, or undefined when the text is none. */
export const hashOfKey = async (key: string): Promise<string | undefined> =>
	hashes.get(key) ?? (await apiKeyHash(key));

/** Remembers the hash of a key that was found to work. */
export function rememberHash(key: string, keyHash: string): void {
	if (!hashes.has(key)) put(hashes, key, keyHash);
}

/** Adds an entry to a bounded map, in place of the oldest when it is full. */
function put<V>(map: Map<string, V>, key: string, value: V): void {
	const [oldest] = map.keys();
	if (map.size >= MAX_REMEMBERED && oldest !== undefined) map.delete(oldest);
	map.set(key, value);
}

/** Whether a key is remembered as one that works. */
export const isRememberedAsValid = (keyHash: string, now: number): boolean => {
	const known = remembered(keyHash, now);
	return known !== undefined && isAlive(known, now);
};

// Asked this way round, so that a stored time that is none lets nobody in.
const isAlive = ({ principal, expiresAt }: Known, now: number): boolean =>
	principal !== undefined && expiresAt > now;

function remembered(keyHash: string, now: number): Known | undefined {
	const known = valid.get(keyHash) ?? unknown.get(keyHash);
	return known && known.rememberUntil > now ? known : undefined;
}

function remember(keyHash: string, known: Known): void {
	valid.delete(keyHash);
	unknown.delete(keyHash);
	put(known.principal ? valid : unknown, keyHash, known);
}

/**
 * Whose key it is; undefined for an unknown, expired or revoked one. `afterAnswer` takes work that is to be begun when
 * the call's own is done, for D1 runs one query at a time: the note that the key was used.
 */
export async function principalOfKey(
	keyHash: string,
	at: {
		d1: D1Database;
		stats: QueryStats;
		now: number;
		rememberSeconds: number;
		afterAnswer: (work: () => Promise<void>) => void;
	},
): Promise<Principal | undefined> {
	let known = at.rememberSeconds > 0 ? remembered(keyHash, at.now) : undefined;
	if (!known) {
		known = await lookUp(keyHash, at);
		if (at.rememberSeconds > 0) remember(keyHash, known);
	}
	const { principal } = known;
	if (!principal || !isAlive(known, at.now)) return undefined;
	if (principal.keyId !== null && at.now - known.lastUsedAt >= TOUCH_EVERY_MS) {
		known.lastUsedAt = at.now;
		const { keyId } = principal;
		at.afterAnswer(() => noteUse(keyId, at));
	}
	return principal;
}

async function lookUp(
	keyHash: string,
	{
		d1,
		stats,
		now,
		rememberSeconds,
	}: { d1: D1Database; stats: QueryStats; now: number; rememberSeconds: number },
): Promise<Known> {
	const row = await findApiKey(openDatabase(d1, stats), keyHash);
	if (!row || row.revoked_at !== null) {
		const seconds = Math.min(UNKNOWN_SECONDS, rememberSeconds);
		return { principal: undefined, expiresAt: 0, lastUsedAt: 0, rememberUntil: now + seconds * 1000 };
	}
	return {
		principal: {
			userId: row.user_id,
			organizationId: row.organization_id,
			permissions: storedPermissions(row.permissions),
			keyId: row.id,
		},
		expiresAt: row.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.expires_at),
		lastUsedAt: row.last_used_at === null ? 0 : Date.parse(row.last_used_at),
		rememberUntil: now + rememberSeconds * 1000,
	};
}

const storedPermissions = (text: string): Permission[] => z.array(permissionSchema).parse(text.split(','));

/** Its own stats: what happens after the answer is no cost of the request. A failure is no caller's concern. */
async function noteUse(keyId: string, { d1, now }: { d1: D1Database; now: number }): Promise<void> {
	const hourAgo = new Date(now - TOUCH_EVERY_MS).toISOString();
	try {
		await touchApiKey(openDatabase(d1), keyId, new Date(now).toISOString(), hourAgo);
	} catch (error) {
		log('warn', { message: 'use of a key not noted', keyId, ...errorFields(error) });
	}
}

import * as z from 'zod';
import { type DatabaseTrace, openDatabase } from '../database/database.ts';
import { type Permission, type Principal, permissionSchema } from './principal.ts';
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
const MOST_REMEMBERED = 2000;
/** Unknown keys are forgotten sooner: a new key must not have to wait. */
const UNKNOWN_SECONDS = 5;
const TOUCH_EVERY_MS = 3_600_000;

// Two maps, so that guessed keys push out one another and never a real one.
const valid = new Map<string, Known>();
const unknown = new Map<string, Known>();

/** Whether a key can be looked up without a trip. */
export const isRemembered = (keyHash: string, now: number): boolean => remembered(keyHash, now) !== undefined;

function remembered(keyHash: string, now: number): Known | undefined {
	const known = valid.get(keyHash) ?? unknown.get(keyHash);
	return known && known.rememberUntil > now ? known : undefined;
}

function remember(keyHash: string, known: Known): void {
	valid.delete(keyHash);
	unknown.delete(keyHash);
	const map = known.principal ? valid : unknown;
	const [oldest] = map.keys();
	if (map.size >= MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
	map.set(keyHash, known);
}

/**
 * Whose key it is; undefined for an unknown, expired or revoked one. `afterAnswer` takes work that may outlive the
 * request: the note that the key was used.
 */
export async function principalOfKey(
	keyHash: string,
	at: {
		d1: D1Database;
		trace: DatabaseTrace;
		now: number;
		rememberSeconds: number;
		afterAnswer: (work: Promise<void>) => void;
	},
): Promise<Principal | undefined> {
	let known = remembered(keyHash, at.now);
	if (!known) {
		known = await lookUp(keyHash, at);
		if (at.rememberSeconds > 0) remember(keyHash, known);
	}
	const { principal } = known;
	if (!principal || known.expiresAt <= at.now) return undefined;
	if (principal.keyId !== null && at.now - known.lastUsedAt >= TOUCH_EVERY_MS) {
		known.lastUsedAt = at.now;
		at.afterAnswer(noteUse(principal.keyId, at));
	}
	return principal;
}

async function lookUp(
	keyHash: string,
	{
		d1,
		trace,
		now,
		rememberSeconds,
	}: { d1: D1Database; trace: DatabaseTrace; now: number; rememberSeconds: number },
): Promise<Known> {
	const row = await findApiKey(openDatabase(d1, trace), keyHash);
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

/** Its own trace: what happens after the answer is no cost of the request. */
async function noteUse(keyId: string, { d1, now }: { d1: D1Database; now: number }): Promise<void> {
	const db = openDatabase(d1, { trips: 0, milliseconds: 0, rowsRead: 0, rowsWritten: 0 });
	const hourAgo = new Date(now - TOUCH_EVERY_MS).toISOString();
	await touchApiKey(db, keyId, new Date(now).toISOString(), hourAgo);
}

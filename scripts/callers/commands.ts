import { createInterface } from 'node:readline/promises';
import type { Database } from '../../src/core/database.ts';
import type { Owner } from '../../src/core/principal.ts';
import { Failure } from '../failure.ts';
import { table } from '../table.ts';
import {
	deleteKeys,
	deleteSessions,
	deleteWebhooks,
	storedKeys,
	storedSessions,
	storedWebhooks,
} from './store.ts';

/** The most callers that `list` shows. */
const MAX_LISTED = 20;

/** A caller, with what it has in all databases. */
interface Caller extends Owner {
	/** Stored sessions: the live ones, and expired ones that the cleanup has not deleted yet. */
	sessions: number;
	liveSessions: number;
	events: number;
	bytes: number;
	keys: number;
	activeKeys: number;
	webhooks: number;
	/** Webhooks that are not disabled. */
	enabledWebhooks: number;
	/** The last change of a session, or the last use of a key, which is known to the hour. ISO 8601. */
	lastUseAt: string | null;
}

/** The databases of a command, DB first, by their binding. Only DB has keys, and each has the webhooks. */
export type OpenedDatabases = ReadonlyMap<string, Database>;

export interface Options {
	json: boolean | undefined;
	yes: boolean | undefined;
}

const nothingOf = ({ userId, organizationId }: Owner): Caller => ({
	userId,
	organizationId,
	sessions: 0,
	liveSessions: 0,
	events: 0,
	bytes: 0,
	keys: 0,
	activeKeys: 0,
	webhooks: 0,
	enabledWebhooks: 0,
	lastUseAt: null,
});

const later = (a: string | null, b: string | null): string | null => ((a ?? '') > (b ?? '') ? a : b);

const keyOf = ({ userId, organizationId }: Owner): string => JSON.stringify([userId, organizationId]);

/** Reads what all callers have, or one of them. It goes through whole tables. */
async function readCallers(databases: OpenedDatabases, owner?: Owner): Promise<Caller[]> {
	const now = new Date().toISOString();
	const callers = new Map<string, Caller>();
	const callerOf = (row: Owner): Caller => {
		const key = keyOf(row);
		const caller = callers.get(key) ?? nothingOf(row);
		callers.set(key, caller);
		return caller;
	};
	if (owner) callerOf(owner);
	for (const db of databases.values()) {
		for await (const row of storedSessions(db, now, owner)) {
			const caller = callerOf(row);
			for (const count of ['sessions', 'liveSessions', 'events', 'bytes'] as const)
				caller[count] += row[count];
			caller.lastUseAt = later(caller.lastUseAt, row.lastChangeAt);
		}
	}
	const main = databases.get('DB');
	if (!main) throw new Failure('wrangler.toml has no D1 database with the binding DB.');
	for await (const row of storedKeys(main, now)) {
		if (owner && keyOf(row) !== keyOf(owner)) continue;
		const caller = callerOf(row);
		caller.keys += row.keys;
		caller.activeKeys += row.activeKeys;
		caller.lastUseAt = later(caller.lastUseAt, row.lastUsedAt);
	}
	for await (const row of storedWebhooks(main, owner)) {
		const caller = callerOf(row);
		caller.webhooks += row.webhooks;
		caller.enabledWebhooks += row.enabledWebhooks;
	}
	return [...callers.values()];
}

const nameOf = ({ userId, organizationId }: Owner): string =>
	organizationId === null ? userId : `${userId} in ${organizationId}`;

const HEADER = [
	'CALLER',
	'SESSIONS',
	'LIVE',
	'EVENTS',
	'MB',
	'KEYS',
	'ACTIVE',
	'WEBHOOKS',
	'ENABLED',
	'LAST USE',
];
const line = (caller: Caller): string[] => [
	nameOf(caller),
	...[caller.sessions, caller.liveSessions, caller.events].map(String),
	(caller.bytes / 1e6).toFixed(1),
	...[caller.keys, caller.activeKeys, caller.webhooks, caller.enabledWebhooks].map(String),
	caller.lastUseAt ?? 'never',
];

/** Prints the callers that store the most. */
export async function list(databases: OpenedDatabases, { json }: Options): Promise<void> {
	const callers = await readCallers(databases);
	const largest = callers
		.sort((a, b) => b.bytes - a.bytes || b.sessions - a.sessions || b.keys - a.keys)
		.slice(0, MAX_LISTED);
	if (json) return console.log(JSON.stringify(largest));
	if (largest.length === 0) return console.log('There are no callers.');
	console.log(table([HEADER, ...largest.map(line)]));
	if (callers.length > MAX_LISTED) console.log(`${callers.length - MAX_LISTED} more callers store less.`);
}

/** Prints what one caller has. */
export async function show(databases: OpenedDatabases, { json }: Options, owner: Owner): Promise<void> {
	const [caller = nothingOf(owner)] = await readCallers(databases, owner);
	console.log(json ? JSON.stringify(caller) : table([HEADER, line(caller)]));
}

/**
 * Deletes the keys of a caller, then its webhooks and its sessions. Keys go first, so that no new ones come. A run that was broken
 * off can be run again.
 */
export async function purge(databases: OpenedDatabases, { json, yes }: Options, owner: Owner): Promise<void> {
	const [found = nothingOf(owner)] = await readCallers(databases, owner);
	if (!yes) await confirm(found);
	const main = databases.get('DB');
	const deleted = {
		keys: main ? await deleteKeys(main, owner) : 0,
		webhooks: 0,
		messages: 0,
		sessions: 0,
		events: 0,
		versions: 0,
		notes: 0,
	};
	for (const [binding, db] of databases) {
		const { webhooks, messages } = await deleteWebhooks(db, owner);
		deleted.messages += messages;
		if (db === main) deleted.webhooks = webhooks;
		for await (const chunk of deleteSessions(db, owner)) {
			for (const what of ['sessions', 'events', 'versions', 'notes'] as const) deleted[what] += chunk[what];
			if (!json) console.log(`${binding}: ${deleted.sessions} sessions and ${deleted.events} events so far`);
		}
	}
	if (json) return console.log(JSON.stringify({ ...owner, deleted }));
	console.log(
		`Deleted of ${nameOf(owner)}: ${deleted.keys} keys, ${deleted.webhooks} webhooks, ${deleted.messages} of their messages, ${deleted.sessions} sessions, ${deleted.events} events, ${deleted.versions} earlier versions, ${deleted.notes} notes of Idempotency-Keys.`,
	);
	console.log(
		'A running service may accept a deleted key for KEY_CACHE_SECONDS more. Run this again after that time.',
	);
}

/** Asks on the terminal. Throws a Failure unless the answer is the user's id. */
async function confirm(caller: Caller): Promise<void> {
	const refused = new Failure('Nothing was deleted. With --yes the command does not ask.');
	const terminal = createInterface({ input: process.stdin, output: process.stderr });
	const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
	const question = `This deletes ${caller.sessions} sessions with ${caller.events} events, ${caller.keys} keys and ${caller.webhooks} webhooks of ${nameOf(caller)}, for good. Type the user's id to go on: `;
	const answer = await Promise.race([terminal.question(question), closed]);
	terminal.close();
	if (answer.trim() !== caller.userId) throw refused;
}

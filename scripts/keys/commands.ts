import { z } from 'zod';
import { environmentOf } from '../../src/auth/api-key-format.ts';
import { issueKey, type KeyRequest } from '../../src/auth/issue-key.ts';
import {
	type ApiKeyRow,
	expireApiKey,
	listApiKeys,
	readApiKey,
	revokeApiKey,
	revokeKeysOfClerkSession,
} from '../../src/auth/store.ts';
import type { Database } from '../../src/core/database.ts';
import { usageError } from '../failure.ts';
import { after, givenExpiry, grantedPermissions, nonEmpty, type Options } from './arguments.ts';
import { listText, printCreated, stateOf } from './output.ts';

/**
 * Opens the database. Commands call it after they have checked their arguments, because it takes time, and --remote
 * needs a login.
 */
export type OpenDatabase = () => Promise<Database>;

/** A command, and the arguments that it takes besides --json and the choice of the database. */
interface Command {
	/** `id` is the ID of a key or of a Clerk session, or empty for a command that takes none. */
	run(database: OpenDatabase, values: Options, id: string): Promise<void>;
	takesId: boolean;
	options: readonly string[];
}

async function existing(db: Database, id: string): Promise<ApiKeyRow> {
	const row = await readApiKey(db, id);
	if (!row) throw usageError(`No key has the ID ${id}. List the keys with \`npm run keys -- list\`.`);
	return row;
}

async function create(database: OpenDatabase, values: Options): Promise<void> {
	const userId = nonEmpty('user', values.user);
	if (userId === null) throw usageError('create needs --user: the ID of the user whose key it is.');
	const environment = z.enum(['live', 'test']).safeParse(values.environment ?? 'live');
	if (!environment.success) throw usageError('--environment takes live or test.');
	const request: KeyRequest = {
		userId,
		organizationId: nonEmpty('org', values.org),
		name: nonEmpty('name', values.name),
		permissions: grantedPermissions(values.permissions ?? 'PRODUCTS:*'),
		environment: environment.data,
		expiresAt: givenExpiry(values) ?? null,
	};
	const { key, row } = await issueKey(await database(), request);
	printCreated(key, row, values.json);
}

async function list(database: OpenDatabase, values: Options): Promise<void> {
	const now = new Date().toISOString();
	console.log(listText(await listApiKeys(await database()), now, values.json));
}

async function revoke(database: OpenDatabase, values: Options, id: string): Promise<void> {
	const db = await database();
	const now = new Date().toISOString();
	if (id.startsWith('sess_')) {
		const count = await revokeKeysOfClerkSession(db, id, now);
		const text = `${count} ${count === 1 ? 'key' : 'keys'} that ${id} has made ${count === 1 ? 'is' : 'are'} revoked.`;
		console.log(values.json ? JSON.stringify({ id, revoked: true, keys: count }) : text);
		return;
	}
	const row = await existing(db, id);
	await revokeApiKey(db, row.id, now);
	console.log(values.json ? JSON.stringify({ id: row.id, revoked: true }) : `${row.id} is revoked.`);
}

async function rotate(database: OpenDatabase, values: Options, id: string): Promise<void> {
	const grace = after('grace', values.grace ?? '0s');
	const expiresAt = givenExpiry(values);
	const db = await database();
	const old = await existing(db, id);
	const state = stateOf(old, new Date().toISOString());
	if (state !== 'active') throw usageError(`${old.id} is ${state}: only an active key can be rotated.`);
	if (old.session_id !== null) {
		throw usageError(
			`${old.id} is for one session only, and cannot be rotated. Make a new key with the API.`,
		);
	}
	const until = old.expires_at !== null && old.expires_at < grace ? old.expires_at : grace;
	const { key, row } = await issueKey(db, {
		userId: old.user_id,
		organizationId: old.organization_id,
		name: old.name,
		permissions: grantedPermissions(old.permissions),
		environment: environmentOf(old.prefix),
		expiresAt: expiresAt ?? old.expires_at,
	});
	// Store the new key before the old one ends. After a failure in between, the owner still has a working key.
	await expireApiKey(db, old.id, until);
	printCreated(key, row, values.json);
	if (!values.json) console.log(`${old.id} works until ${until}.`);
}

export const commands = new Map<string, Command>([
	[
		'create',
		{
			run: create,
			takesId: false,
			options: ['user', 'org', 'name', 'permissions', 'environment', 'expires-in'],
		},
	],
	['list', { run: list, takesId: false, options: [] }],
	['revoke', { run: revoke, takesId: true, options: [] }],
	['rotate', { run: rotate, takesId: true, options: ['grace', 'expires-in'] }],
]);

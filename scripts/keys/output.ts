import type { ApiKeyRow } from '../../src/auth/store.ts';
import { table } from '../table.ts';

/** The only output that contains the key. */
const created = (key: string, row: ApiKeyRow) => ({
	id: row.id,
	key,
	userId: row.user_id,
	organizationId: row.organization_id,
	permissions: row.permissions.split(','),
	environment: row.environment,
	expiresAt: row.expires_at,
});

/** Prints a new key. */
export function printCreated(key: string, row: ApiKeyRow, asJson: boolean | undefined): void {
	if (asJson) console.log(JSON.stringify(created(key, row)));
	else console.log(`${row.id}\n${key}\nThe key is shown only now: the database keeps its SHA-256.`);
}

/** The state of a key at the time `now`. */
export const stateOf = (row: ApiKeyRow, now: string) =>
	row.revoked_at !== null
		? 'revoked'
		: row.expires_at !== null && row.expires_at <= now
			? 'expired'
			: 'active';

/** A key as the list shows it, without the key itself. */
const listed = (row: ApiKeyRow, now: string) => ({
	id: row.id,
	prefix: row.prefix,
	name: row.name,
	userId: row.user_id,
	organizationId: row.organization_id,
	permissions: row.permissions.split(','),
	sessionId: row.session_id,
	environment: row.environment,
	state: stateOf(row, now),
	createdAt: row.created_at,
	expiresAt: row.expires_at,
	revokedAt: row.revoked_at,
	lastUsedAt: row.last_used_at,
});

/** Returns the keys with their state at the time `now`, as JSON or as a table. */
export function listText(keys: readonly ApiKeyRow[], now: string, asJson: boolean | undefined): string {
	const rows = keys.map((row) => listed(row, now));
	if (asJson) return JSON.stringify(rows);
	if (rows.length === 0) return 'There are no keys.';
	const header = ['ID', 'PREFIX', 'OWNER', 'NAME', 'PERMISSIONS', 'LAST USED', 'STATE'];
	const lines = rows.map((row) => [
		row.id,
		row.prefix,
		row.organizationId === null ? row.userId : `${row.userId} in ${row.organizationId}`,
		row.name ?? '-',
		row.sessionId === null ? row.permissions.join(',') : `${row.permissions.join(',')} of ${row.sessionId}`,
		row.lastUsedAt ?? 'never',
		row.state === 'active' && row.expiresAt !== null ? `active until ${row.expiresAt}` : row.state,
	]);
	return table([header, ...lines]);
}

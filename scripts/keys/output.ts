import { environmentOf } from '../../src/auth/api-key-format.ts';
import type { ApiKeyRow } from '../../src/auth/store.ts';
import { table } from '../table.ts';

/** The only output that contains the key. */
const created = (key: string, row: ApiKeyRow) => ({
	id: row.id,
	key,
	userId: row.user_id,
	organizationId: row.organization_id,
	permissions: row.permissions.split(','),
	environment: environmentOf(row.prefix),
	expiresAt: row.expires_at,
});

/** Prints a new key. */
export function printCreated(key: string, row: ApiKeyRow, asJson: boolean | undefined): void {
	if (asJson) console.log(JSON.stringify(created(key, row)));
	else console.log(`${row.id}\n${key}\nStore this key now. It cannot be shown again.`);
}

/** The state of a key at the time `now`. */
export const stateOf = (row: ApiKeyRow, now: string) =>
	row.revoked_at !== null
		? 'revoked'
		: row.expires_at !== null && row.expires_at <= now
			? 'expired'
			: 'active';

/** The keys, those for one session with the end of their maker where it comes first. */
function withEndOfMaker(keys: readonly ApiKeyRow[], now: string): ApiKeyRow[] {
	const byId = new Map(keys.map((row) => [row.id, row]));
	return keys.map((row) => {
		if (row.maker_key_id === null) return row;
		const { revoked_at, expires_at } = byId.get(row.maker_key_id) ?? { revoked_at: now, expires_at: null };
		const expiries = [row.expires_at, expires_at].filter((at) => at !== null).sort();
		return { ...row, revoked_at: row.revoked_at ?? revoked_at, expires_at: expiries[0] ?? null };
	});
}

/** A key as the list shows it, without the key itself. */
const listed = (row: ApiKeyRow, now: string) => ({
	id: row.id,
	prefix: row.prefix,
	name: row.name,
	userId: row.user_id,
	organizationId: row.organization_id,
	permissions: row.permissions.split(','),
	sessionId: row.session_id,
	append: row.append_types === null ? [] : (JSON.parse(row.append_types) as string[]),
	makerKeyId: row.maker_key_id,
	makerClerkSessionId: row.maker_clerk_session_id,
	environment: environmentOf(row.prefix),
	state: stateOf(row, now),
	createdAt: row.created_at,
	expiresAt: row.expires_at,
	revokedAt: row.revoked_at,
	lastUsedAt: row.last_used_at,
});
type Listed = ReturnType<typeof listed>;

/** What a key may do: for a key for one session with the session and with what made the key. */
function scopeOf({ permissions, sessionId, append, makerKeyId, makerClerkSessionId }: Listed): string {
	const text = permissions.join(',');
	if (sessionId === null) return text;
	const types = append.length === 0 ? '' : ` and append ${append.join(', ')}`;
	return `${text}${types} of ${sessionId}, made by ${makerKeyId ?? makerClerkSessionId ?? 'a token without a session'}`;
}

/** Returns the keys with their state at the time `now`, as JSON or as a table. */
export function listText(keys: readonly ApiKeyRow[], now: string, asJson: boolean | undefined): string {
	const rows = withEndOfMaker(keys, now).map((row) => listed(row, now));
	if (asJson) return JSON.stringify(rows);
	if (rows.length === 0) return 'There are no keys.';
	const header = ['ID', 'PREFIX', 'OWNER', 'NAME', 'PERMISSIONS', 'LAST USED', 'STATE'];
	const lines = rows.map((row) => [
		row.id,
		row.prefix,
		row.organizationId === null ? row.userId : `${row.userId} in ${row.organizationId}`,
		row.name ?? '-',
		scopeOf(row),
		row.lastUsedAt ?? 'never',
		row.state === 'active' && row.expiresAt !== null ? `active until ${row.expiresAt}` : row.state,
	]);
	return table([header, ...lines]);
}

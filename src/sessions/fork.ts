import type { Database, Databases } from '../core/database.ts';
import type { Owner } from '../core/principal.ts';
import { databaseNumberOf } from '../core/session-id.ts';
import type { SessionReference } from '../core/session-reference.ts';
import type { Settings } from '../core/settings.ts';
import { findPast, type PastQuery, readPast } from '../history/read-store.ts';
import type { NewSession } from './create-store.ts';
import { readSession } from './details-store.ts';
import { objectColumns } from './fields.ts';
import type { SessionRow } from './row-store.ts';

/** A version of a session that a new session begins as; by default the current one. */
export interface Origin {
	sessionId: string;
	version?: number | undefined;
}

/** What a new session begins as. */
export type Beginning = Omit<NewSession, 'id' | 'owner' | 'createdAt' | 'expiresAt'>;

type HistorySetting = Pick<Settings, 'HISTORY_BYTES'>;

const wholeVersion = (version: number, { HISTORY_BYTES }: HistorySetting): PastQuery => ({
	version,
	objects: Object.values(objectColumns),
	withEvents: false,
	knownTags: undefined,
	historyBytes: HISTORY_BYTES,
});

/**
 * Reads what a session of the caller was at a version, without its events, keys and Idempotency-Keys. Throws SESSION_NOT_FOUND and
 * VERSION_NOT_FOUND.
 */
export async function beginningOf(
	databases: Databases,
	{ sessionId, version, owner, now }: Origin & { owner: Owner; now: string },
	settings: HistorySetting,
): Promise<Beginning> {
	const db = databases.at(databaseNumberOf(sessionId));
	const reference = { id: sessionId, owner, now };
	const row =
		version === undefined
			? await readSession(db, reference)
			: (await readPast<SessionRow>(db, reference, wholeVersion(version, settings))).session;
	return {
		status: row.status,
		catalogVersion: row.catalog_version,
		schemaVersion: row.schema_version,
		prd: row.prd,
		plan: row.plan,
		productObject: row.product_object,
		productObjectHash: row.product_object_hash,
		assemblyState: row.assembly_state,
	};
}

/** A session at its first version, or as it is now if that version is not kept. Throws SESSION_NOT_FOUND. */
export async function firstVersion(
	db: Database,
	reference: SessionReference,
	now: SessionRow,
	settings: HistorySetting,
): Promise<SessionRow> {
	const past = await findPast<SessionRow>(db, reference, wholeVersion(1, settings));
	return past ? { ...now, ...past.session } : now;
}

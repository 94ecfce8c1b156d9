import type { SessionReference } from '../core/session-reference.ts';
import { type Sql, sql } from '../core/sql.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';

/** A stored event. The payload is JSON text, and the owner comes from the session. */
export interface EventRow {
	/** The event's position in its session, starting with 1. */
	position: number;
	id: string;
	type: string;
	stage: string | null;
	message: string | null;
	payload: string;
	created_at: string;
	session_id: string;
	user_id: string;
	organization_id: string | null;
}

/** The columns of an EventRow. */
export const COLUMNS = sql`events.position, events.id, events.type, events.stage, events.message, events.payload,
	events.created_at, events.session_id, sessions.user_id, sessions.organization_id`;

/** The events of a caller's session. CROSS JOIN keeps the session the outer table. */
export const ofOwnSession = (reference: SessionReference): Sql =>
	sql`FROM ${SESSION_BY_ID} CROSS JOIN events ON events.session_id = sessions.id WHERE ${ownSession(reference)}`;

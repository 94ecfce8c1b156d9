import { eventsJson } from '../events/json.ts';
import type { EventRow } from '../events/store.ts';
import type { SessionRow } from './store.ts';

/**
 * A session as it goes over the wire: its fields in the documented order, `events` after `createdAt` where they are
 * given. The stored objects are spliced in as they are: parsing would lose what JavaScript cannot hold.
 */
export const sessionJson = (session: SessionRow, events?: readonly EventRow[]): string => {
	const text = JSON.stringify;
	return `{"assemblyState":${session.assembly_state},"catalogVersion":${text(
		session.catalog_version,
	)},"createdAt":${text(session.created_at)},${events ? `"events":${eventsJson(events)},` : ''}"expiresAt":${text(
		session.expires_at,
	)},"id":${text(session.id)},"organizationId":${text(session.organization_id)},"plan":${session.plan},"prd":${
		session.prd
	},"productObject":${session.product_object},"productObjectHash":${text(
		session.product_object_hash,
	)},"schemaVersion":${text(session.schema_version)},"status":${text(session.status)},"updatedAt":${text(
		session.updated_at,
	)},"userId":${text(session.user_id)}}`;
};

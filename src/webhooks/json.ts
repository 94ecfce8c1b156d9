import { databaseNumberOf } from '../core/session-id.ts';
import type { EndpointRow } from './endpoint-store.ts';
import type { Place } from './failure-store.ts';
import { type MessageRow, NEVER } from './message-store.ts';
import { DELIVERY_ID, type Delivery, type Webhook } from './schema.ts';

/** An endpoint on the wire, without its secret. */
export function webhookOf(row: EndpointRow): Webhook {
	const { disabled_at: at, disabled_code: code, disabled_reason: reason } = row;
	return {
		createdAt: row.created_at,
		disabled: at !== null && code !== null && reason !== null ? { at, code, reason } : null,
		events: JSON.parse(row.names) as string[],
		id: row.id,
		previousSecretUntil: row.previous_secret_until,
		updatedAt: row.updated_at,
		url: row.url,
	};
}

/** The id of a delivery, from which `placeOf` finds the message again. */
const deliveryIdOf = ({ created_at, id }: MessageRow): string =>
	`dlv_${String(Date.parse(created_at)).padStart(13, '0')}_${id.slice('msg_'.length)}`;

/** The place of a delivery in the list, and the number of its database. Undefined for what is no id of a delivery. */
export function placeOf(deliveryId: string): (Place & { database: number }) | undefined {
	const [, time, suffix = ''] = DELIVERY_ID.exec(deliveryId) ?? [];
	if (time === undefined) return undefined;
	return {
		createdAt: new Date(Number(time)).toISOString(),
		id: `msg_${suffix}`,
		database: databaseNumberOf(`sess_${suffix.split('_')[0]}`),
	};
}

/** A delivery on the wire. */
export const deliveryOf = (row: MessageRow): Delivery => ({
	createdAt: row.created_at,
	eventId: row.event_id,
	id: deliveryIdOf(row),
	lastError: row.last_error,
	lastStatus: row.last_status,
	lastTryAt: row.last_try_at,
	messageId: row.id,
	nextTryAt: row.next_try_at === NEVER ? null : row.next_try_at,
	sessionId: row.session_id,
	tries: row.tries,
	type: row.type,
});

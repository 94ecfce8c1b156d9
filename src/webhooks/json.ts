import type { EndpointRow } from './endpoint-store.ts';
import type { Webhook } from './schema.ts';

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

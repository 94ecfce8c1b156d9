import { limits } from '../../core/limits.ts';
import { type JsonText, textOrTooLarge } from '../../json/json-text.ts';
import { type ObjectField, objectColumns } from '../schema.ts';
import type { Change } from './store.ts';

type Fields = Partial<Record<ObjectField, JsonText | null | undefined>> & {
	productObjectHash?: string | null | undefined;
	status?: string | undefined;
};

/**
 * What a validated PATCH does to the session's columns. Objects replace what is there, or merge into it by RFC 7396.
 * Throws PAYLOAD_TOO_LARGE. The hash of a product object that comes without one is not in it.
 */
export function changesOf(fields: Fields, how: 'set' | 'merge'): Change[] {
	// Of a merge, the result counts, and a CHECK sees to that.
	const most = how === 'set' ? limits.storedObject : limits.boundText;
	const changes: Change[] = [];
	for (const [field, column] of Object.entries(objectColumns) as [ObjectField, Change['column']][]) {
		const value = fields[field];
		if (value === undefined) continue;
		changes.push(
			value === null
				? { column, how: 'set', value: null }
				: { column, how, value: textOrTooLarge(value, field, most) },
		);
	}
	if (fields.productObjectHash !== undefined) {
		changes.push({ column: 'product_object_hash', how: 'set', value: fields.productObjectHash });
	}
	if (fields.status !== undefined) changes.push({ column: 'status', how: 'set', value: fields.status });
	return changes;
}

import { describe, expect, it } from 'vitest';
import { newCaller } from '../support/api.ts';
import { query } from '../support/database.ts';
import { objectOf } from '../support/object-of.ts';

const MAX_OBJECT = 400_000;
const MAX_PAYLOAD = 65_536;

describe('the schema', () => {
	const MAX_NAME = '😀'.repeat(255);
	const sessionLimits = [
		...['prd', 'plan', 'product_object', 'assembly_state'].map((column) => [
			column,
			objectOf(MAX_OBJECT, 'é'),
			objectOf(MAX_OBJECT + 1, 'é'),
		]),
		...['catalog_version', 'schema_version', 'product_object_hash', 'idempotency_key'].map((column) => [
			column,
			MAX_NAME,
			`${MAX_NAME}x`,
		]),
	] as [string, string, string][];
	it.each(sessionLimits)('enforces the limit of a session’s %s', async (column, longest, tooLong) => {
		const { id } = await (await newCaller()).create();
		const set = (value: string) => query(`UPDATE sessions SET ${column} = ? WHERE id = ?`, value, id);
		await set(longest);
		await expect(set(tooLong)).rejects.toThrow('CHECK constraint failed');
	});

	it.each([
		['payload', objectOf(MAX_PAYLOAD, 'é'), objectOf(MAX_PAYLOAD + 1, 'é')],
		['message', '😀'.repeat(10_000), 'x'.repeat(10_001)],
		['type', MAX_NAME, `${MAX_NAME}x`],
		['type', 'x', ''],
		['stage', MAX_NAME, `${MAX_NAME}x`],
		['idempotency_key', MAX_NAME, `${MAX_NAME}x`],
	])('enforces the limit of an event’s %s', async (column, within, beyond) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const set = (value: string) => query(`UPDATE events SET ${column} = ? WHERE session_id = ?`, value, id);
		await set(within);
		await expect(set(beyond)).rejects.toThrow('CHECK constraint failed');
	});
});

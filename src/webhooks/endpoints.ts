import type { Databases } from '../core/database.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Owner } from '../core/principal.ts';
import {
	copyEndpoint,
	deleteEndpoint,
	disableEndpoint,
	type EndpointRow,
	endpointsToCopy,
	noteCopies,
} from './endpoint-store.ts';

/** Endpoints that one scheduled run copies. */
const COPIES_AT_ONCE = 20;
const SECRET_BYTES = 32;

/** A new secret, in the form of the Standard Webhooks specification. */
export const newSecret = (): string =>
	`whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))))}`;

const furtherOf = ({ numbers }: Databases): number[] => numbers.filter((number) => number !== 0);

/**
 * Copies an endpoint from DB to every further database. DB notes what has been copied, so the scheduled run goes on when this
 * fails. An endpoint that was deleted meanwhile is deleted from the others again.
 */
export async function copyToOthers(databases: Databases, row: EndpointRow): Promise<void> {
	const further = furtherOf(databases);
	if (further.length === 0) return;
	await inParallel(further, (number) => copyEndpoint(databases.at(number), row));
	if (!(await noteCopies(databases.main, row, further.join(',')))) {
		await deleteFromOthers(
			databases,
			{ userId: row.user_id, organizationId: row.organization_id || null },
			row.id,
		);
	}
}

/** Copies what an earlier attempt did not, and what a database lacks that was added since, as long as there is room. */
export async function copyTheRest(databases: Databases, hasRoom: () => boolean): Promise<void> {
	const further = furtherOf(databases);
	if (further.length === 0) return;
	for (const row of await endpointsToCopy(databases.main, further.join(','), COPIES_AT_ONCE)) {
		if (!hasRoom()) return;
		await copyToOthers(databases, row);
	}
}

async function deleteFromOthers(databases: Databases, owner: Owner, id: string): Promise<void> {
	await inParallel(furtherOf(databases), (number) => deleteEndpoint(databases.at(number), owner, id));
}

/**
 * Deletes an endpoint from every database, DB last: until then its caller sees it, and can delete it again. When this fails before,
 * the scheduled run copies it to the others again, so that it works as long as its caller sees it.
 */
export async function deleteEverywhere(databases: Databases, owner: Owner, row: EndpointRow): Promise<void> {
	if (furtherOf(databases).length > 0) {
		await noteCopies(databases.main, row, '');
		await deleteFromOthers(databases, owner, row.id);
	}
	await deleteEndpoint(databases.main, owner, row.id);
	// A change meanwhile, or the scheduled run, can have copied it once more.
	await deleteFromOthers(databases, owner, row.id);
}

/** Disables a revision of an endpoint in every database for a reason of the service. Returns whether it did. */
export async function disableEverywhere(
	databases: Databases,
	endpoint: Parameters<typeof disableEndpoint>[1],
	why: Parameters<typeof disableEndpoint>[2],
): Promise<boolean> {
	const row = await disableEndpoint(databases.main, endpoint, why);
	if (row) await copyToOthers(databases, row);
	return row !== undefined;
}

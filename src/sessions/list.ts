import type { Database } from '../core/database.ts';
import { validationError } from '../core/errors.ts';
import { inParallel } from '../core/in-parallel.ts';
import { type LoadedSession, type LoadFields, loadSessions } from './list-content.ts';
import { type ListQuery, listSessions, readNewestIds, readWhole, type SizedSession } from './list-store.ts';

/** A page of a list. */
export interface Page {
	/** The sessions of the page. They have content if the first round trip has brought it. */
	rows: SizedSession[];
	/** How many sessions there are. Undefined for a page after an id. */
	total: number | undefined;
	/** The id after which the next page begins, if there are more sessions. */
	next: string | undefined;
	/**
	 * Yields the same sessions in batches, each session loaded. Missing content is read in further round trips, each when the
	 * consumer asks for its batch. A session that is gone by then, or no longer in the status that was asked for, is omitted.
	 * A session that has changed is yielded as it is then.
	 */
	loaded(): AsyncGenerator<LoadedSession[], void, undefined>;
}

/**
 * Returns a page of a caller's sessions in all databases, the newest first. The databases are asked in parallel, each for as
 * many sessions as the page could take from it. Together they return no more content in the first round trip than one
 * database alone would. Throws DatabaseUnavailable when one of them cannot answer, and VALIDATION_ERROR for an offset past
 * MAX_OFFSET while there are several.
 */
export async function listPage(databases: readonly Database[], query: ListQuery): Promise<Page> {
	const { limit, from } = query;
	// A page at an offset begins at a different place in each database.
	const start =
		'offset' in from && from.offset > 0 && databases.length > 1
			? await placesAt(databases, query, from.offset)
			: undefined;
	const parts = await inParallel(databases, async (db, at) => {
		const place = start ? { after: start.places[at] ?? OLDEST } : from;
		const part = await listSessions(db, { ...query, from: place }, databases.length);
		return { ...part, db };
	});
	const all = newestFirst(parts.map(({ rows }) => rows));
	const rows = all.slice(0, limit);
	const hasMore = all.length > limit || parts.some(({ next }) => next !== undefined);
	const databaseOf = new Map(parts.flatMap(({ rows: some, db }) => some.map(({ id }) => [id, db] as const)));
	const load: LoadFields = async (missing, fields) => {
		const byDatabase = Map.groupBy(missing, ({ id }) => databaseOf.get(id));
		const read = await inParallel([...byDatabase], async ([db, some]) =>
			db ? readWhole(db, { ...query, fields }, some) : [],
		);
		return read.flat();
	};
	return {
		rows,
		total: 'after' in from ? undefined : (start?.total ?? sum(parts.map((part) => part.total ?? 0))),
		next: hasMore ? rows.at(-1)?.id : undefined,
		loaded: () => loadSessions(rows, query.fields, load),
	};
}

/** Each database returns as many ids as an offset skips, so their number is limited. */
const MAX_OFFSET = 10_000;
/** In the list's order, this comes after all ids. */
const OLDEST = '';
/** In the list's order, this comes before all ids. */
const NEWEST = 'sess_~';

/** Rows of several databases in the list's order. */
const newestFirst = <Row extends { id: string }>(lists: readonly (readonly Row[])[]): Row[] =>
	lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/**
 * Finds the place in each database after which the list continues when it has skipped `offset` sessions in all, and counts
 * all sessions. Throws VALIDATION_ERROR for an offset past MAX_OFFSET.
 */
async function placesAt(
	databases: readonly Database[],
	query: ListQuery,
	offset: number,
): Promise<{ places: string[]; total: number }> {
	if (offset > MAX_OFFSET) {
		throw validationError([
			{
				path: 'offset',
				message: `must be at most ${MAX_OFFSET} while several databases are bound`,
				code: 'OUT_OF_RANGE',
				suggestion: 'To read further, follow the Link header of each page.',
			},
		]);
	}
	const parts = await inParallel(databases, (db) => readNewestIds(db, query, offset));
	const skipped = newestFirst(parts.map(({ ids }, at) => ids.map((id) => ({ id, at })))).slice(0, offset);
	const places = databases.map(() => NEWEST);
	for (const { id, at } of skipped) places[at] = id;
	return { places, total: sum(parts.map(({ total }) => total)) };
}

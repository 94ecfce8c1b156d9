import type { Database } from '../../core/database.ts';
import { inParallel } from '../../core/in-parallel.ts';
import {
	countSessions,
	type ListQuery,
	listSessions,
	readIds,
	readWhole,
	type SizedSession,
} from './store.ts';
import { type ReadFields, type WholeSession, wholeSessions } from './whole.ts';

/** A page of a list. */
export interface Page {
	/** The sessions of the page. They have content if the first round trip has brought it. */
	rows: SizedSession[];
	/** How many sessions there are. Undefined for a page after an id. */
	total: number | undefined;
	/** The id after which the next page begins, if there are more sessions. */
	next: string | undefined;
	/**
	 * Yields the same sessions in batches, each session whole. Missing content is read in further round trips, each when the
	 * consumer asks for its batch. A session that is gone by then, or no longer in the status that was asked for, is omitted.
	 * A session that has changed is yielded as it is then.
	 */
	whole(): AsyncGenerator<WholeSession[], void, undefined>;
}

/**
 * Returns a page of a caller's sessions in all databases, the newest first. Several databases are asked in parallel, each for
 * as many sessions as the page could take from it. Together they return no more content in the first round trip than one
 * database alone would. Throws DatabaseUnavailable when one of them cannot answer. `maxIds` is the most ids that are held at
 * once, those of all databases together.
 */
export async function listPage(
	databases: readonly Database[],
	query: ListQuery,
	maxIds = MAX_IDS,
): Promise<Page> {
	const { limit, from } = query;
	const [only, another] = databases;
	if (only && !another) {
		const page = await listSessions(only, query);
		const read: ReadFields = (missing, fields) => readWhole(only, { ...query, fields }, missing);
		return { ...page, whole: () => wholeSessions(page.rows, query.fields, read) };
	}
	// A page at an offset begins at a different place in each database.
	const start =
		'offset' in from && from.offset > 0 ? await placesAt(databases, query, from.offset, maxIds) : undefined;
	const parts = await inParallel(databases, async (db, at) => {
		const place = start ? { after: start.places[at] ?? OLDEST } : from;
		const part = await listSessions(db, { ...query, from: place }, databases.length);
		return { ...part, db };
	});
	const all = merged(parts.map(({ rows }) => rows));
	const rows = all.slice(0, limit);
	const hasMore = all.length > limit || parts.some(({ next }) => next !== undefined);
	const total = 'after' in from ? undefined : (start?.total ?? sum(parts.map((part) => part.total ?? 0)));
	const databaseOf = new Map(parts.flatMap(({ rows: some, db }) => some.map(({ id }) => [id, db] as const)));
	const readFromEach: ReadFields = async (missing, fields) => {
		const byDatabase = Map.groupBy(missing, ({ id }) => databaseOf.get(id));
		const read = await inParallel([...byDatabase], async ([db, some]) =>
			db ? readWhole(db, { ...query, fields }, some) : [],
		);
		return read.flat();
	};
	return {
		rows,
		total,
		next: hasMore ? rows.at(-1)?.id : undefined,
		whole: () => wholeSessions(rows, query.fields, readFromEach),
	};
}

/** These ids take about 5 MB of memory. */
const MAX_IDS = 50_000;
/** In the list's order, NEWEST comes before all ids and OLDEST after them. */
const NEWEST = 'sess_~';
const OLDEST = '';

/** Rows of several databases in the list's order. */
const merged = <Row extends { id: string }>(lists: readonly (readonly Row[])[]): Row[] =>
	lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/**
 * Finds the place in each database after which the list continues when it has skipped `offset` sessions in all, and counts
 * all sessions. In each database it reads about `offset` index entries.
 *
 * While `left`, the number of sessions still to skip, is larger than the number of ids that may be held, each round asks the n
 * databases that have sessions of the caller for the id that is `left / n` places further on. Fewer than `left` sessions come
 * before the newest of these ids, because each database has fewer than `left / n` of them. So its database continues after
 * that id, and the sessions up to it count as skipped.
 */
async function placesAt(
	databases: readonly Database[],
	query: ListQuery,
	offset: number,
	maxIds: number,
): Promise<{ places: string[]; total: number }> {
	const places = databases.map(() => NEWEST);
	const most = Math.floor(maxIds / databases.length);
	let left = offset;
	let having = databases.map((db, at) => ({ db, at }));
	let total: number | undefined;
	if (left > most) {
		const counts = await inParallel(databases, (db) => countSessions(db, query));
		total = sum(counts);
		if (total <= offset) return { places: databases.map(() => OLDEST), total };
		having = having.filter(({ at }) => counts[at] !== 0);
	}
	const counted = total === undefined;
	while (left > most) {
		const step = Math.floor(left / having.length);
		const found = await inParallel(having, async ({ db, at }) => {
			const place = { after: places[at] ?? OLDEST, offset: step - 1, limit: 1, counted: false };
			const [id = OLDEST] = (await readIds(db, query, place)).ids;
			return { id, at };
		});
		const [newest] = merged([found]);
		// Each database has fewer than `step` sessions left, so all together have fewer than `left`: the page is empty.
		if (!newest || newest.id === OLDEST) {
			left = 0;
			places.fill(OLDEST);
		} else {
			places[newest.at] = newest.id;
			left -= step;
		}
	}
	const parts = await inParallel(databases, (db, at) =>
		readIds(db, query, { after: places[at] ?? OLDEST, offset: 0, limit: left, counted }),
	);
	const passed = merged(parts.map(({ ids }, at) => ids.map((id) => ({ id, at })))).slice(0, left);
	for (const { id, at } of passed) places[at] = id;
	return { places, total: total ?? sum(parts.map((part) => part.total)) };
}

import type { Database, Databases, Owed, QueryStats } from '../core/database.ts';
import { databaseName } from '../core/placement-setting.ts';
import { type Bindings, settingsOf } from '../core/settings.ts';
import { LOOK_UPS_AT_ONCE, TRIPS_AT_ONCE, takeTurn } from '../core/turns.ts';
import { openDatabase, type Sending, TRIP_MS } from './database.ts';

/** The bookmark of a response: for DB the one that D1 returned, and for DB_n the same after `n:`. */
const BOOKMARK = /^(?:([1-9]\d?):)?([0-9a-f-]+)$/;

/** The part of the time for a trip that its turn may take. The rest is for the trip itself, which would be sent in vain otherwise. */
const SHARE_OF_TURN = 0.8;

const silent = (): Error => new Error('The trip timed out before it began: those before it take too long.');

/** Lets the trips of a caller of one kind take turns. */
export const turnsOf =
	(caller: string, kind: { at: string; kind: string; atOnce: number; workAtOnce?: number }) =>
	({ leastWork, bytes }: Sending, milliseconds: number) =>
		takeTurn({ caller, ...kind, leastWork, bytes, silent }, SHARE_OF_TURN * milliseconds, milliseconds);

/**
 * Returns the databases of a request. `callerOf` names its caller once it is known: the trips of a caller take turns. A
 * bookmark is valid only in its own database, so the bookmark of each response names the database, and a request passes it to
 * that database only.
 */
export function openDatabases(
	env: Bindings,
	stats: QueryStats,
	callerOf: () => string | undefined,
	bookmark?: string,
): Databases {
	const { DATABASES: numbers } = settingsOf(env);
	const [, ofNumber = '0', start] = BOOKMARK.exec(bookmark ?? '') ?? [];
	const opened = new Map<number, Database>();
	const owed: Owed[] = [];
	const patience = { leftMs: TRIP_MS };
	/** Whether this request may have written something. */
	let hasSentWrite = false;
	const boundOf = (number: number): number => (numbers.includes(number) ? number : 0);
	const open = (
		number: number,
		use: 'a call' | 'a stream',
		{ from, isLasting = false }: { from?: string | undefined; isLasting?: boolean } = {},
	): Database => {
		const name = databaseName(number);
		return openDatabase(env[name] ?? env.DB, stats, {
			bookmark: from,
			name: numbers.length > 1 ? name : undefined,
			// A stream goes on for long, and survives a database that is silent again and again.
			patience: !isLasting && callerOf() !== undefined ? patience : undefined,
			onAside(rows) {
				for (const { endpoint_id: endpoint } of rows as { endpoint_id: string }[])
					owed.push({ database: number, endpoint });
			},
			async takeTurn(sent, milliseconds) {
				const caller = callerOf();
				const atOnce = use === 'a call' ? TRIPS_AT_ONCE : LOOK_UPS_AT_ONCE;
				if (caller === undefined) return undefined;
				try {
					const endTurn = await turnsOf(caller, { at: name, kind: use, atOnce })(sent, milliseconds);
					hasSentWrite ||= !sent.isRead;
					return endTurn;
				} catch (error) {
					// RATE_LIMITED would say that nothing was done.
					throw hasSentWrite ? silent() : error;
				}
			},
		});
	};

	function at(asked: number): Database {
		const number = boundOf(asked);
		const known = opened.get(number);
		if (known) return known;
		const database = open(number, 'a call', { from: number === Number(ofNumber) ? start : undefined });
		opened.set(number, database);
		return database;
	}

	return {
		numbers,
		patience,
		get main() {
			return at(0);
		},
		at,
		fresh: (number) => open(boundOf(number), 'a call'),
		toOpenStream: (number) => open(boundOf(number), 'a stream'),
		forStream: (number) => open(boundOf(number), 'a stream', { isLasting: true }),
		owed: () => owed,
		bookmark() {
			const reached = Array.from(opened, ([number, database]) => ({ number, at: database.bookmark() }));
			const [only, another] = reached.filter(({ at }) => at);
			if (!only?.at || another) return null;
			return only.number === 0 ? only.at : `${only.number}:${only.at}`;
		},
	};
}

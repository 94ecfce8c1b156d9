import type { LocationHint, PlacedDatabase } from '../core/placement-setting.ts';
import type { Owner } from '../core/principal.ts';
import { sha256Hex } from '../core/sha256.ts';

/** Where a caller is, according to `request.cf`. */
export interface CallerLocation {
	/** A code of two letters. Absent when Cloudflare does not know the continent. */
	continent?: string | undefined;
	/** Decimal degrees, negative to the west. */
	longitude?: string | undefined;
}

/**
 * The location hint for each continent. Three continents are split by longitude: `west` applies to the west of `border`.
 * North America is split in its middle. Europe is split so that Germany and Italy are in the west, and Poland and the
 * Balkans in the east. D1 has no hint for South America, Africa and the Middle East, so callers there get the place where
 * their cables end: Florida for South America, western Europe for most of Africa, and the eastern Mediterranean for the
 * Middle East, up to the Gulf.
 */
const HINTS: Readonly<Record<string, { hint: LocationHint; west?: { border: number; hint: LocationHint } }>> =
	{
		NA: { hint: 'enam', west: { border: -100, hint: 'wnam' } },
		SA: { hint: 'enam' },
		EU: { hint: 'eeur', west: { border: 15, hint: 'weur' } },
		AF: { hint: 'weur' },
		AS: { hint: 'apac', west: { border: 60, hint: 'eeur' } },
		OC: { hint: 'oc' },
		AN: { hint: 'oc' },
	};

/** For each place, all places from the nearest to the farthest, by the usual duration of a trip between them. */
const NEAREST: Readonly<Record<LocationHint, readonly LocationHint[]>> = {
	wnam: ['wnam', 'enam', 'apac', 'oc', 'weur', 'eeur'],
	enam: ['enam', 'wnam', 'weur', 'eeur', 'apac', 'oc'],
	weur: ['weur', 'eeur', 'enam', 'wnam', 'apac', 'oc'],
	eeur: ['eeur', 'weur', 'enam', 'apac', 'wnam', 'oc'],
	apac: ['apac', 'oc', 'wnam', 'eeur', 'weur', 'enam'],
	oc: ['oc', 'apac', 'wnam', 'enam', 'weur', 'eeur'],
};

/** Returns the location hint for a caller's location, or undefined when the continent is unknown. */
export function hintOf({ continent = '', longitude }: CallerLocation): LocationHint | undefined {
	const found = HINTS[continent];
	if (!found?.west) return found?.hint;
	// Without a longitude the comparison is false, so the eastern hint applies. Europe is the exception: a caller without
	// a longitude gets the western hint, because more of Europe's callers are there.
	const degrees = Number.parseFloat(longitude ?? (continent === 'EU' ? '0' : ''));
	return degrees < found.west.border ? found.west.hint : found.hint;
}

/**
 * Returns the databases that a new session of a caller may go to: those that serve the place nearest to the caller. If the
 * caller's place is unknown, this is the first database of PLACEMENT. The result is empty only if `placed` is empty.
 */
export function fittingDatabases(placed: readonly PlacedDatabase[], location: CallerLocation): number[] {
	const hint = hintOf(location);
	if (hint === undefined) return placed.slice(0, 1).map(({ number }) => number);
	for (const near of NEAREST[hint]) {
		const fitting = placed.filter(({ hints }) => hints.includes(near));
		if (fitting.length > 0) return fitting.map(({ number }) => number);
	}
	return [];
}

/**
 * Returns the number of the database for a new session, which is 0 if `placed` is empty. If several databases fit, rendezvous
 * hashing of the owner selects one, so that a database that is added takes its share of the owners from all others.
 */
export async function placementOf(
	placed: readonly PlacedDatabase[],
	owner: Owner,
	location: CallerLocation,
): Promise<number> {
	const fitting = fittingDatabases(placed, location);
	const [first = 0] = fitting;
	if (fitting.length <= 1) return first;
	const weights = await Promise.all(
		fitting.map((number) => sha256Hex(JSON.stringify([owner.userId, owner.organizationId, number]))),
	);
	const [highest] = [...weights].sort().reverse();
	return fitting[weights.indexOf(highest ?? '')] ?? first;
}

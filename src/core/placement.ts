import * as z from 'zod';
import type { Owner } from './principal.ts';
import { MAX_DATABASE_NUMBER } from './session-id.ts';
import { sha256Hex } from './sha256.ts';

/** The places that D1 can put a database (https://developers.cloudflare.com/d1/configuration/data-location/). */
export const locationHints = ['wnam', 'enam', 'weur', 'eeur', 'apac', 'oc'] as const;
export type LocationHint = (typeof locationHints)[number];

export const isLocationHint = (text: string): text is LocationHint =>
	locationHints.some((hint) => hint === text);

/** A database that takes new sessions, and the places that it serves. */
export interface PlacedDatabase {
	/** 0 is DB, n is DB_n. */
	number: number;
	/** In the order of PLACEMENT. `npm run deploy` creates a missing database at the first of them. */
	hints: readonly LocationHint[];
}

/** The name of the binding of a database. */
export const databaseName = (number: number): 'DB' | `DB_${number}` => (number === 0 ? 'DB' : `DB_${number}`);

const ENTRY = /^(DB(?:_([1-9]\d?))?)=([a-z]+(?:,[a-z]+)*)$/;

/** The setting PLACEMENT, such as `DB=wnam,enam DB_1=weur,eeur`. If it is empty, all new sessions go to DB. */
export const placementSchema = z
	.string()
	.default('')
	.transform((text, context) => {
		const placed: PlacedDatabase[] = [];
		const problem = (message: string) => context.addIssue({ code: 'custom', message });
		for (const entry of text.split(/\s+/).filter((part) => part !== '')) {
			const [, name, number = '0', list = ''] = ENTRY.exec(entry) ?? [];
			if (name === undefined) {
				problem(`"${entry}" must be written like DB_1=weur,eeur, with a database from DB to DB_99`);
				continue;
			}
			const hints = list.split(',').filter(isLocationHint);
			const unknown = list.split(',').find((hint) => !isLocationHint(hint));
			if (unknown !== undefined) {
				problem(`"${unknown}" of ${name} must be one of ${locationHints.join(', ')}`);
			}
			if (placed.some((other) => other.number === Number(number)))
				problem(`${name} appears twice; list all its places in one entry`);
			placed.push({ number: Number(number), hints });
		}
		return placed;
	});

/** The numbers of the databases that an environment binds, DB first. */
export function boundNumbers(env: Readonly<Record<`DB_${number}`, unknown>>): number[] {
	const numbers = Array.from({ length: MAX_DATABASE_NUMBER }, (_, at) => at + 1);
	return [0, ...numbers.filter((number) => env[`DB_${number}`] !== undefined)];
}

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

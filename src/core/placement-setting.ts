import { MAX_DATABASE_NUMBER } from './session-id.ts';
import { written } from './setting-values.ts';

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
export const placementSchema = written.transform((text, context) => {
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

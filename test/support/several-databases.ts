import { env } from 'cloudflare:workers';
import type { Bindings } from '../../src/core/settings.ts';
import type { Fetcher } from './api.ts';
import { serviceWith } from './faulty-d1.ts';

/** Five databases for the six places of D1: DB serves both places in North America. */
export const FIVE = {
	DB_1: env.FURTHER_1,
	DB_2: env.FURTHER_2,
	DB_3: env.FURTHER_3,
	DB_4: env.FURTHER_4,
	PLACEMENT: 'DB=enam,wnam DB_1=weur DB_2=eeur DB_3=apac DB_4=oc',
} satisfies Partial<Bindings>;

/** Where callers are. The index of a place is the number of the database of FIVE that is near it. */
export const PLACES = [
	{ continent: 'NA', longitude: '-77' },
	{ continent: 'EU', longitude: '2' },
	{ continent: 'EU', longitude: '21' },
	{ continent: 'AS', longitude: '139' },
	{ continent: 'OC', longitude: '151' },
] as const;

/** Returns a fetcher whose requests come from a place. */
export const from =
	(place: object | undefined, fetcher: Fetcher): Fetcher =>
	(request) =>
		fetcher(place ? new Request(request, { cf: { ...place } }) : request);

/** Returns the service with five databases, for a caller near the database with this number. */
export const near = (number: number, bindings: Partial<Bindings> = FIVE): Fetcher =>
	from(PLACES[number], serviceWith(bindings));

/** Returns the service with five databases, for a caller who travels: each request comes from the next place. */
export function travelling(bindings: Partial<Bindings> = FIVE): Fetcher {
	let requests = 0;
	return (request) => {
		requests += 1;
		return near(requests % PLACES.length, bindings)(request);
	};
}

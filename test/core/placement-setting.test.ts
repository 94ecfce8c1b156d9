import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/core/settings.ts';
import { FIVE } from '../support/several-databases.ts';

const placed = (PLACEMENT: string) => settingsOf({ ...env, ...FIVE, PLACEMENT }).PLACEMENT;

describe('PLACEMENT', () => {
	it('is parsed into databases and their places, in the order of the text', () => {
		expect(placed(' DB=wnam,enam\n DB_2=eeur,weur ')).toEqual([
			{ number: 0, hints: ['wnam', 'enam'] },
			{ number: 2, hints: ['eeur', 'weur'] },
		]);
		expect(placed('')).toEqual([]);
		expect(settingsOf(env).PLACEMENT).toEqual([]);
	});

	it.each([
		['DB_1', /"DB_1" must be written like/],
		['DB_1=', /"DB_1=" must be written like/],
		['DB_0=weur', /"DB_0=weur" must be/],
		['DB_100=weur', /"DB_100=weur" must be/],
		['DB=wnam;DB_1=weur', /must be written like/],
		['DB_1=mars', /"mars" of DB_1 must be one of wnam, enam, weur, eeur, apac, oc/],
		['DB=wnam DB=enam', /DB appears twice; list all its places in one entry/],
		['DB=wnam DB_9=weur', /DB_9 is not bound/],
	])('is rejected when it is %j', (text, message) => {
		expect(() => placed(text)).toThrow(message);
		expect(() => placed(text)).toThrow('PLACEMENT');
	});
});

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { LocationHint } from '../../src/core/placement-setting.ts';
import { settingsOf } from '../../src/core/settings.ts';
import { type CallerLocation, fittingDatabases, hintOf, placementOf } from '../../src/database/placement.ts';
import { FIVE } from '../support/several-databases.ts';

const placed = (PLACEMENT: string) => settingsOf({ ...env, ...FIVE, PLACEMENT }).PLACEMENT;

describe('the location hint of a caller', () => {
	const cities: [string, CallerLocation, LocationHint | undefined][] = [
		['Seattle', { continent: 'NA', longitude: '-122.3' }, 'wnam'],
		['New York', { continent: 'NA', longitude: '-74.0' }, 'enam'],
		['somewhere in North America', { continent: 'NA' }, 'enam'],
		['São Paulo', { continent: 'SA', longitude: '-46.6' }, 'enam'],
		['Paris', { continent: 'EU', longitude: '2.35' }, 'weur'],
		['Frankfurt', { continent: 'EU', longitude: '8.7' }, 'weur'],
		['Warsaw', { continent: 'EU', longitude: '21.0' }, 'eeur'],
		['somewhere in Europe', { continent: 'EU' }, 'weur'],
		['Lagos', { continent: 'AF', longitude: '3.4' }, 'weur'],
		['Dubai', { continent: 'AS', longitude: '55.3' }, 'eeur'],
		['Tokyo', { continent: 'AS', longitude: '139.7' }, 'apac'],
		['somewhere in Asia', { continent: 'AS' }, 'apac'],
		['Sydney', { continent: 'OC', longitude: '151.2' }, 'oc'],
		['Antarctica', { continent: 'AN', longitude: '0' }, 'oc'],
		['an unknown place', {}, undefined],
		['Tor', { continent: 'T1' }, undefined],
	];
	it.each(cities)('is found for %s', (_, location, hint) => {
		expect(hintOf(location)).toBe(hint);
	});
});

describe('the databases for a new session', () => {
	const sydney = { continent: 'OC', longitude: '151' };

	it('are those that serve the place of the caller', () => {
		const all = placed('DB=wnam,enam DB_1=weur,eeur DB_2=apac,oc DB_3=oc');
		expect(fittingDatabases(all, sydney)).toEqual([2, 3]);
		expect(fittingDatabases(all, { continent: 'EU', longitude: '20' })).toEqual([1]);
	});

	it('are those of the nearest place that is served, if the place of the caller is not', () => {
		expect(fittingDatabases(placed('DB=enam DB_1=weur DB_2=apac'), sydney)).toEqual([2]);
		expect(fittingDatabases(placed('DB=enam DB_1=weur'), sydney)).toEqual([0]);
	});

	it('are the first database of PLACEMENT if the place of the caller is unknown', () => {
		expect(fittingDatabases(placed('DB_3=weur DB=enam'), {})).toEqual([3]);
	});

	it('are assigned to owners evenly, and a further one takes its share of the owners from all others', async () => {
		const owners = Array.from({ length: 600 }, (_, n) => ({ userId: `user_${n}`, organizationId: null }));
		const choose = (text: string) =>
			Promise.all(owners.map((owner) => placementOf(placed(text), owner, sydney)));
		const three = await choose('DB=oc DB_1=oc DB_2=oc');
		expect(await choose('DB_2=oc DB=oc DB_1=oc')).toEqual(three);
		for (const number of [0, 1, 2]) {
			expect(Math.abs(three.filter((each) => each === number).length - 200)).toBeLessThan(60);
		}
		const four = await choose('DB=oc DB_1=oc DB_2=oc DB_3=oc');
		const moved = four.filter((number, at) => number !== three[at]);
		expect(new Set(moved)).toEqual(new Set([3]));
		expect(Math.abs(moved.length - 150)).toBeLessThan(60);
	});

	it('are DB alone without PLACEMENT', async () => {
		expect(await placementOf([], { userId: 'u', organizationId: null }, sydney)).toBe(0);
	});
});

import type { JsonObject } from './expect.ts';

/** An object that a careless copy changes. It has no integer-like names, because JSON.parse moves those. */
export const OBJECT: JsonObject = {
	zebra: 1,
	apple: { nested: { deeper: [1, [2, [3, {}]], null, { z: true, a: false }] } },
	'': 'empty name',
	'a b.c/d': 'é 漢 😀 \u2028 "quoted" \\ \n\t',
	nothing: null,
	emptyObject: {},
	emptyArray: [],
	numbers: [0, -1, 1.5, 1e21, 5e-324, 1.7976931348623157e308, 9007199254740991, 0.1],
	constructor: 'a name like others',
	last: 'last',
};

/** The fields of a session that hold an object. */
export const OBJECT_FIELDS = ['assemblyState', 'plan', 'prd', 'productObject'];

/** The media type of RFC 7396. */
export const MERGE_PATCH = 'application/merge-patch+json';

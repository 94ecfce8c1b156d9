import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { merge } from '../../scripts/conformance/merge.ts';
import { readJson, writeJson } from '../../scripts/conformance/ordered-json.ts';
import type { SessionReference } from '../../src/core/session-reference.ts';
import { openDatabase } from '../../src/database/database.ts';
import { countMembers, mergePatch, singleChanges } from '../../src/json/merge-patch.ts';
import type { Merge } from '../../src/sessions/changes.ts';
import { updateSession } from '../../src/sessions/update-store.ts';
import { anyObject } from '../model/arbitraries.ts';
import { runs } from '../model/runs.ts';
import { newCaller } from '../support/api.ts';
import { query } from '../support/database.ts';

let reference: SessionReference;
beforeAll(async () => {
	const caller = await newCaller();
	reference = { id: (await caller.create()).id, owner: caller, now: new Date().toISOString() };
});

/** D1’s merge of the same two texts. */
async function mergedByD1(target: string | null, patch: string): Promise<string | null | undefined> {
	await query('UPDATE sessions SET plan = ? WHERE id = ?', target, reference.id);
	const change: Merge = { column: 'plan', mode: 'merge', value: patch, members: 1 };
	const outcome = await updateSession(openDatabase(env.DB), reference, [change], undefined, 0);
	return outcome === 'too much for D1' ? undefined : outcome.plan;
}

const CASES: [target: string | null, patch: string, result: string][] = [
	[null, '{}', '{}'],
	['{}', '{}', '{}'],
	[null, '{"a":{"b":null,"c":{"d":null,"e":1}}}', '{"a":{"c":{"e":1}}}'],
	['{"a":1,"b":2,"c":3}', '{"b":9,"d":4,"a":null}', '{"b":9,"c":3,"d":4}'],
	['{"a":{"x":1,"y":{"z":2}},"b":0}', '{"a":{"y":{"z":null,"w":3}}}', '{"a":{"x":1,"y":{"w":3}},"b":0}'],
	['{"a":[1,{"b":2}]}', '{"a":{"c":null,"d":1}}', '{"a":{"d":1}}'],
	['{"a":"x","b":null}', '{"a":{},"b":{"c":1}}', '{"a":{},"b":{"c":1}}'],
	['{"a":{"b":1}}', '{"a":[null,{"c":null}]}', '{"a":[null,{"c":null}]}'],
	['{"a":{"b":1}}', '{"a":"null","b":true,"c":false}', '{"a":"null","b":true,"c":false}'],
	['{"2":1,"1":2}', '{"0":3,"2":{"a":-0}}', '{"2":{"a":-0},"1":2,"0":3}'],
	[
		'{"__proto__":{"a":1}}',
		'{"__proto__":{"b":2},"constructor":1}',
		'{"__proto__":{"a":1,"b":2},"constructor":1}',
	],
	[
		'{"a":1e400,"b":-0.0,"c":1E+5}',
		'{"d":12345678901234567890}',
		'{"a":1e400,"b":-0.0,"c":1E+5,"d":12345678901234567890}',
	],
	['{"a\\u0000b":1}', '{"a":2,"a\\u0000c":3}', '{"a\\u0000b":1,"a":2,"a\\u0000c":3}'],
	['{"\\ud800":1}', '{"\\ud800\\u0001":2,"\\ud800":null}', '{"\\ud800\\u0001":2}'],
	[
		'{"a":"\\\\","b":"}{]["}',
		'{"a\\"b":"\\\\\\"","c":":"}',
		'{"a":"\\\\","b":"}{][","a\\"b":"\\\\\\"","c":":"}',
	],
	['{"":1}', '{"":{"":null}}', '{"":{}}'],
];

describe('a merge in the Worker', () => {
	it.each(CASES)('gives the same result for %s and %s as D1: %s', async (target, patch, result) => {
		expect(mergePatch(target, patch)).toBe(result);
		expect(await mergedByD1(target, patch)).toBe(result);
	});

	it('gives the same result for any two objects as D1 and as RFC 7396', async () => {
		await fc.assert(
			fc.asyncProperty(anyObject, anyObject, async (target, patch) => {
				const [targetText, patchText] = [writeJson(target.object), writeJson(patch.object)];
				const result = mergePatch(targetText, patchText);
				expect(result).toBe(await mergedByD1(targetText, patchText));
				expect(result).toBe(writeJson(merge(readJson(targetText), readJson(patchText))));
			}),
			runs(300),
		);
	});

	it('merges through 100 levels', () => {
		const nested = (inner: string) => `${'{"a":'.repeat(99)}{${inner}}${'}'.repeat(99)}`;
		expect(mergePatch(nested('"b":1'), nested('"c":2'))).toBe(nested('"b":1,"c":2'));
	});
});

describe('the count of members', () => {
	it.each([
		['{}', 0],
		['{"a":1,"b":{"c":{},"d":2}}', 4],
		['{"a":[{"b":1},[{"c":2}]],"d":3}', 2],
		['{"a:b":"c:d","e\\"":":"}', 2],
	])('of %s is %i', (text, count) => {
		expect(countMembers(text)).toBe(count);
	});
});

describe('a patch that is split', () => {
	it('makes the same text, one place at a time', () => {
		fc.assert(
			fc.property(anyObject, anyObject, (target, patch) => {
				const [from, by] = [writeJson(target.object), writeJson(patch.object)];
				const split = singleChanges(by, 1_000_000);
				expect(split?.patches.reduce(mergePatch, from)).toBe(mergePatch(from, by));
				expect(split?.members ?? 0).toBeGreaterThanOrEqual(split?.patches.length ?? 0);
			}),
			runs(500),
		);
	});

	it('is not split into more characters than it may be', () => {
		const deep = `${'{"a":'.repeat(90)}{"b":1,"c":2}${'}'.repeat(90)}`;
		expect(singleChanges(deep, 2000)?.members).toBe(2 * 91);
		expect(singleChanges(deep, 1000)).toBeUndefined();
	});
});

import { describe, expect, it, vi } from 'vitest';
import { checksOf, run } from '../../scripts/conformance/run.ts';
import { facts } from '../support/reference-facts.ts';
import { KEYS, referenceServer } from '../support/reference-server.ts';
import { breakages } from './breakages.ts';
import { statementsOf } from './statements.ts';

const statements = statementsOf('What the strict profile adds');

/** The places of the facts that a path leads to. `*` stands for each member. */
const placesAt = (path: string): unknown[] =>
	path.split('.').reduce<unknown[]>(
		(places, name) =>
			places.flatMap((place) => {
				if (typeof place !== 'object' || place === null) return [];
				return name === '*' ? Object.values(place) : Object.hasOwn(place, name) ? [place[name as never]] : [];
			}),
		[facts],
	);

/** Runs a profile on a server that follows the document of the reference and nothing else. */
async function onReferenceServer(profile: 'reference' | 'strict') {
	const respond = referenceServer();
	vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => respond(new Request(input, init)));
	const target = {
		baseUrl: 'https://reference.test',
		apiKey: KEYS.full,
		limitedApiKey: KEYS.readOnly,
		timeout: 30_000,
	};
	return run(target, { isReadonly: false, tell: () => {}, chosen: checksOf[profile] });
}

describe('the reference profile', () => {
	it('passes on a server that only follows the document', async () => {
		const { results, left } = await onReferenceServer('reference');
		expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
		expect(results).toHaveLength(checksOf.reference.length);
		expect(left).toEqual([]);
	});

	it('proves only statements of the document, each of which is in its facts', () => {
		for (const { id, proves } of checksOf.reference) {
			const [, path = ''] = /^reference: (\S+)$/.exec(proves) ?? [];
			expect([id, placesAt(path).length > 0]).toEqual([id, true]);
		}
	});

	it('has a check of every answer that the document names, apart from 500', () => {
		const proven = new Set(checksOf.reference.map(({ proves }) => proves.replace('reference: ', '')));
		const isProven = (call: string, status: string) =>
			['answers', 'example'].some((part) =>
				[call, '*'].some((name) =>
					proven.has(
						part === 'example' && status.startsWith('2')
							? `calls.${name}.example`
							: `calls.${name}.answers.${status}`,
					),
				),
			);
		for (const [call, { answers }] of Object.entries(facts.calls)) {
			for (const status of Object.keys(answers).filter((each) => each !== '500')) {
				expect([call, status, isProven(call, status)]).toEqual([call, status, true]);
			}
		}
	});
});

describe('the strict profile', () => {
	it('contains the reference profile, and fails on a server that only follows the document', async () => {
		expect(checksOf.strict.slice(0, checksOf.reference.length)).toEqual(checksOf.reference);
		const { results } = await onReferenceServer('strict');
		const failed = results.filter(({ status }) => status === 'failed').map(({ id }) => id);
		expect(failed).toEqual(
			expect.arrayContaining(['create.fields', 'list.newest-first', 'errors.method', 'update.null']),
		);
		expect(failed.filter((id) => checksOf.reference.some((check) => check.id === id))).toEqual([]);
	});

	it('proves the statements of docs/conformance.md, all of them, and RFC 9110', () => {
		const onlyStrict = checksOf.strict.slice(checksOf.reference.length);
		const others = onlyStrict.filter(({ proves }) => !/^RFC 9110, \d+(\.\d+)+$/.test(proves));
		expect(new Set(others.map(({ proves }) => proves))).toEqual(
			new Set(statements.map((name) => `strict: ${name}`)),
		);
	});
});

describe('each check', () => {
	it('has its own id', () => {
		expect(new Set(checksOf.strict.map(({ id }) => id)).size).toBe(checksOf.strict.length);
	});

	it('fails on a server that breaks its rule', () => {
		// Without a session that could be created, most checks fail: that shows nothing of each.
		const specific = breakages.filter(([rule]) => rule !== 'create answers 200');
		const caught = new Set(specific.flatMap(([, , ids]) => ids));
		expect(checksOf.strict.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
	});
});

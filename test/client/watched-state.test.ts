import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { writeJson } from '../../scripts/conformance/ordered-json.ts';
import { createClient, type Session, type Watched } from '../../src/client/client.ts';
import { mergePatch } from '../../src/json/merge-patch.ts';
import { anyObject } from '../model/arbitraries.ts';
import { runs } from '../model/runs.ts';
import { scriptedFetch } from '../support/scripted-fetch.ts';
import { end, opening, sessionWith, stream } from '../support/scripted-stream.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const FIELDS = ['plan', 'prd'] as const;
type Field = (typeof FIELDS)[number];
/** The session as a service stores it: the texts of its objects. */
type Stored = Record<Field, string>;

/** The text of any object, some of them below many levels. */
const anyText = fc
	.tuple(anyObject, fc.constantFrom(0, 0, 0, 1, 90))
	.map(([{ object }, levels]) => `${'{"a":'.repeat(levels)}${writeJson(object)}${'}'.repeat(levels)}`);

type Write =
	| { kind: 'set' | 'merge'; field: Field; text: string }
	/** The stream breaks off, with or without writes that nobody is told of. */
	| { kind: 'cut'; field: Field; text: string }
	/** A change that does not continue the version before it. */
	| { kind: 'gap'; field: Field; text: string };

const anyWrite: fc.Arbitrary<Write> = fc.record({
	kind: fc.constantFrom<Write['kind'][]>('merge', 'merge', 'merge', 'merge', 'set', 'cut', 'gap'),
	field: fc.constantFrom(...FIELDS),
	text: anyText,
});

/** The JSON of the session. */
const textOf = ({ plan, prd }: Stored) =>
	JSON.stringify(sessionWith({ plan: 'PLAN', prd: 'PRD' }))
		.replace('"PLAN"', () => plan)
		.replace('"PRD"', () => prd);

/** The streams that tell of these writes, and what is stored at each ETag that they tell. */
function told(first: Stored, writes: Write[]) {
	const streams: string[][] = [[]];
	const states = new Map<string, Stored>();
	let stored = first;
	let version = 1;
	const send = (frame: string) => streams.at(-1)?.push(frame);
	const snapshot = () => {
		send(`event: snapshot\ndata: {"etag":"\\"${version}\\"","session":${textOf(stored)}}\n\n`);
		states.set(`"${version}"`, stored);
	};
	snapshot();
	for (const { kind, field, text } of writes) {
		const previous = version;
		version += kind === 'cut' ? text.length % 2 : 1;
		const value = kind === 'merge' ? mergePatch(stored[field], text) : text;
		if (version > previous) stored = { ...stored, [field]: value };
		if (kind === 'cut') {
			streams.push([]);
			snapshot();
			continue;
		}
		const [set, merge] = kind === 'merge' ? ['', `"${field}":${text}`] : [`"${field}":${text}`, ''];
		const of = kind === 'gap' ? previous - 1 : previous;
		const fields = `"updatedAt":"2026-01-15T09:30:00.000Z","set":{${set}},"merge":{${merge}}`;
		send(`event: change\ndata: {"etag":"\\"${version}\\"","previous":"\\"${of}\\"",${fields}}\n\n`);
		if (kind === 'gap') {
			streams.push([]);
			snapshot();
		} else states.set(`"${version}"`, stored);
	}
	send(end);
	return { streams, states };
}

/** The text in pieces of random sizes. */
function inPieces(text: string, sizes: number[]): Uint8Array[] {
	const bytes = new TextEncoder().encode(text);
	const pieces: Uint8Array[] = [];
	for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
		const size = sizes[turn % sizes.length] ?? 1;
		pieces.push(bytes.slice(at, at + size));
		at += size;
	}
	return pieces;
}

/** A text that tells all values apart, -0 and Infinity too, and the orders of members. */
const exact = (value: unknown) =>
	JSON.stringify(value, (_, each) =>
		typeof each === 'number' ? `number ${Object.is(each, -0) ? '-0' : each}` : each,
	);

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('a watched session', () => {
	it('is what is stored at each ETag, and no item changes later', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.record({ plan: anyText, prd: anyText }),
				fc.array(anyWrite, { maxLength: 12 }),
				fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
				async (first, writes, sizes) => {
					const { streams, states } = told(first, writes);
					const replies = streams.map((frames) =>
						stream(inPieces(opening + frames.join(''), sizes), 'breaks off'),
					);
					const { fetch } = scriptedFetch(...replies);
					const client = createClient({ baseUrl: 'https://api.test', token: 't', fetch });
					const seen: { item: Watched; text: string }[] = [];
					for await (const item of client.watch(ID)) seen.push({ item, text: JSON.stringify(item) });
					let before: Session | undefined;
					for (const { item, text } of seen) {
						const { session, etag, changed } = item;
						const stored = states.get(etag) as Stored;
						for (const field of FIELDS) {
							const value = exact(JSON.parse(stored[field]));
							expect(exact(session[field])).toBe(value);
							// What is equal keeps its identity, and nothing else does.
							const isSame = before !== undefined && exact(before[field]) === value;
							expect(before?.[field] === session[field]).toBe(isSame);
							expect(changed.includes(field)).toBe(!isSame);
						}
						expect(JSON.stringify(item)).toBe(text);
						before = session;
					}
					expect(seen.at(-1)?.item.ended).toBe('deleted');
					const etags = new Set(seen.map(({ item }) => item.etag));
					expect([...states.keys()].filter((etag) => !etags.has(etag))).toEqual([]);
				},
			),
			runs(300),
		);
	});
});

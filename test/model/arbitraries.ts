import fc from 'fast-check';
import { type Json, Members, NumberLiteral } from '../../scripts/conformance/ordered-json.ts';

/** Any short string of UTF-16 code units, lone surrogates included. Unusual code units are more likely. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
	fc.constantFrom('', 'a', 'b', '\u0000', 'a\u0000b', 'a\u0000c', '\ud800', '\udc00', '"', '\\', '\\u0000'),
	fc.constantFrom(
		'é',
		'e\u0301',
		'😀',
		'\u2028',
		'\uffff',
		'\ufeff',
		'\u007f',
		'ا\u202e',
		'</script>',
		"'; --",
	),
	fc.string({ unit: 'binary', maxLength: 8 }),
	fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 6 }),
);

const anyName: fc.Arbitrary<string> = fc.oneof(
	fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'length', '', ' ', 'a.b', '$'),
	fc.constantFrom('0', '1', '2', '10', '01', '-1', '1.5', '4294967294', '4294967295', '9007199254740993'),
	fc.constantFrom('a', 'b', 'c'),
	anyString,
);

const anyNumber: fc.Arbitrary<NumberLiteral> = fc
	.oneof(
		fc.constantFrom('0', '-0', '-0.0', '0e0', '1.0', '1E+5', '1e05', '1e400', '-1e400', '1e-400', '1e0400'),
		fc.constantFrom('5e-324', '1.7976931348623157e308', '12345678901234567890', '9007199254740993', '0.10'),
		fc.constantFrom(`1${'0'.repeat(400)}`, `0.${'0'.repeat(400)}1`),
		fc.integer().map(String),
		fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
		fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,4})?$/),
	)
	.map((literal) => new NumberLiteral(literal));

const members = (value: fc.Arbitrary<Json>) => fc.array(fc.tuple(anyName, value), { maxLength: 6 });

const { value } = fc.letrec<{ value: Json }>((tie) => ({
	value: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		fc.constantFrom<Json>(null, true, false),
		anyString,
		anyNumber,
		fc.array(tie('value'), { maxLength: 4 }),
		members(tie('value')).map((list) => new Members(list)),
	),
}));

/** A JSON object, and a text of it with any white space, any escapes and duplicate members. */
export interface Sent {
	object: Members;
	text: string;
}

/** Any JSON object. */
export const anyObject: fc.Arbitrary<Sent> = fc
	.tuple(members(value), fc.nat())
	.map(([list, style]) => ({ object: new Members(list), text: writer(style)(list) }));

type Written = Json | (readonly [string, Json])[];

/** Writes members with their duplicates, in one of several styles. Style 0 is the shortest. */
function writer(style: number): (list: (readonly [string, Json])[]) => string {
	let state = style;
	const roll = (sides: number) => {
		if (style === 0) return 0;
		// Lehmer's generator: any pseudorandom numbers are good enough here.
		state = (state * 48_271 + 1) % 2_147_483_647;
		return state % sides;
	};
	const space = () => ['', '', '', ' ', '\n', '\t', '\r\n', '  '][roll(8)] ?? '';
	const hex = (unit: number) => {
		const digits = unit.toString(16).padStart(4, '0');
		return `\\u${roll(2) === 1 ? digits.toUpperCase() : digits}`;
	};
	const string = (text: string) => {
		if (roll(3) === 0) return JSON.stringify(text);
		let written = '';
		for (let at = 0; at < text.length; at += 1) {
			const unit = text.charAt(at);
			// Characters that JSON.stringify does not escape may stay as they are.
			const plain = JSON.stringify(unit) === `"${unit}"` && roll(2) === 0;
			written += plain ? unit : unit === '/' ? '\\/' : hex(text.charCodeAt(at));
		}
		return `"${written}"`;
	};
	const object = (list: readonly (readonly [string, Json])[]): string =>
		`{${space()}${list
			.map(([name, member]) => `${string(name)}${space()}:${space()}${any(member)}${space()}`)
			.join(`,${space()}`)}}`;
	const any = (item: Written): string => {
		if (item instanceof NumberLiteral) return item.literal;
		if (item instanceof Members) return object(item.list);
		if (Array.isArray(item)) return `[${space()}${(item as Json[]).map(any).join(`${space()},${space()}`)}]`;
		return typeof item === 'string' ? string(item) : JSON.stringify(item);
	};
	return object;
}

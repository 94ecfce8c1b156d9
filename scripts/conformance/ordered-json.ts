/**
 * JSON with the order of members and the literals of numbers, both of which JSON.parse loses. The conformance checks and the
 * tests compare sent and returned JSON in this form. The last of duplicate members wins, in the place of the first.
 */
export type Json = string | boolean | null | NumberLiteral | Json[] | Members;

export class NumberLiteral {
	readonly literal: string;
	constructor(literal: string) {
		this.literal = literal;
	}
}

/** The members of an object. */
export class Members {
	readonly list: readonly (readonly [name: string, value: Json])[];
	constructor(list: Iterable<readonly [name: string, value: Json]>) {
		this.list = [...new Map(list)];
	}
	get(name: string): Json | undefined {
		return this.list.find(([each]) => each === name)?.[1];
	}
}

const TOKEN = /[ \t\n\r]*([{}[\],:]|"(?:[^"\\]|\\.)*"|[^ \t\n\r{}[\],:"]+)/gy;

/** Reads valid JSON. */
export function readJson(text: string): Json {
	const tokens = Array.from(text.matchAll(TOKEN), ([, token = '']) => token);
	let at = 0;
	const next = () => tokens[at++] ?? '';
	const list = <T>(end: string, item: () => T): T[] => {
		const items: T[] = [];
		while (tokens[at] !== end) {
			if (items.length > 0) next();
			items.push(item());
		}
		next();
		return items;
	};
	const value = (): Json => {
		const token = next();
		if (token === '[') return list(']', value);
		if (token === '{') {
			return new Members(
				list('}', () => {
					const name = JSON.parse(next()) as string;
					next();
					return [name, value()] as const;
				}),
			);
		}
		if (token === '') throw new SyntaxError('the text ends too soon');
		return /^[-\d]/.test(token) ? new NumberLiteral(token) : (JSON.parse(token) as string | boolean | null);
	};
	return value();
}

/** Reads a valid JSON object. */
export function readObject(text: string): Members {
	const value = readJson(text);
	if (value instanceof Members) return value;
	throw new TypeError('not an object');
}

/** Writes without white space and with the escapes of JSON.stringify. */
export function writeJson(value: Json): string {
	if (value instanceof NumberLiteral) return value.literal;
	if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
	if (value instanceof Members) {
		return `{${value.list.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join(',')}}`;
	}
	return JSON.stringify(value);
}

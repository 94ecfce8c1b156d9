/**
 * JSON as text. The page shows and sends what is stored, in which `JSON.parse` would lose digits of numbers, the order of
 * some members, and members with the same name.
 */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/;
const TOKEN = new RegExp(`${STRING.source}|[{}[\\],:]|[^\\s{}[\\],:"]+`, 'g');
const BRACKET_OR_STRING = new RegExp(`${STRING.source}|[{}[\\],]`, 'g');

const tokensOf = (json: string): string[] => json.match(TOKEN) ?? [];

/** The same JSON without white space between its tokens. */
export const compact = (json: string): string => tokensOf(json).join('');

/** The same JSON with a line for each value. */
export function pretty(json: string): string {
	const tokens = tokensOf(json);
	const parts: string[] = [];
	let line = '\n';
	tokens.forEach((token, index) => {
		const next = tokens[index + 1];
		if (token === '{' || token === '[') {
			const isEmpty = next === '}' || next === ']';
			line += '  ';
			parts.push(token, isEmpty ? '' : line);
		} else if (token === '}' || token === ']') {
			line = line.slice(0, -2);
			const previous = tokens[index - 1];
			parts.push(previous === '{' || previous === '[' ? '' : line, token);
		} else if (token === ',') parts.push(token, line);
		else parts.push(token === ':' ? ': ' : token);
	});
	return parts.join('');
}

/** The text of each member of a JSON object. */
export function membersOf(json: string): ReadonlyMap<string, string> {
	const members = new Map<string, string>();
	let depth = 0;
	let start = 0;
	const take = (end: number) => {
		const [member = '', name] = new RegExp(`^\\s*(${STRING.source})\\s*:`).exec(json.slice(start, end)) ?? [];
		if (name !== undefined) members.set(JSON.parse(name), json.slice(start + member.length, end).trim());
		start = end + 1;
	};
	for (const { 0: token, index } of json.matchAll(BRACKET_OR_STRING)) {
		if (token === '{' || token === '[') {
			depth += 1;
			if (depth === 1) start = index + 1;
		} else if (token === '}' || token === ']') {
			if (depth === 1) take(index);
			depth -= 1;
		} else if (token === ',' && depth === 1) take(index);
	}
	return members;
}

/** What is wrong with a text that should be a JSON object; undefined when it is one. */
export function problemOf(text: string): string | undefined {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined;
		return 'This must be a JSON object: it begins with { and ends with }.';
	} catch (error) {
		if (error instanceof SyntaxError) return `This is not JSON. ${error.message}`;
		throw error;
	}
}

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

/**
 * The longest text that a layout makes. Each level of nesting indents its lines further, so a JSON of 360 KB that nests
 * 98 deep would become 36 MB of white space.
 */
const MAX_LAID_OUT = 2_000_000;

/** The same JSON with a line for each value. Values that nest too deep for a layout of usual length stay on one line. */
export function pretty(json: string): string {
	const tokens = tokensOf(json);
	const most = levelsInLines(tokens);
	const parts: string[] = [];
	let level = 0;
	const line = () => (level <= most ? `\n${'  '.repeat(level)}` : '');
	tokens.forEach((token, index) => {
		const next = tokens[index + 1];
		if (token === '{' || token === '[') {
			level += 1;
			parts.push(token, next === '}' || next === ']' ? '' : line());
		} else if (token === '}' || token === ']') {
			const previous = tokens[index - 1];
			const isEmpty = previous === '{' || previous === '[';
			const isInLines = level <= most;
			level -= 1;
			parts.push(isEmpty || !isInLines ? '' : line(), token);
		} else if (token === ',') parts.push(token, line());
		else if (token === ':') parts.push(level <= most ? ': ' : ':');
		else parts.push(token);
	});
	return parts.join('');
}

/** How many levels of nesting get lines of their own, so that the layout is at most MAX_LAID_OUT characters long. */
function levelsInLines(tokens: readonly string[]): number {
	/** The white space that the layout adds for each level. */
	const added: number[] = [];
	let level = 0;
	let length = 0;
	for (const token of tokens) {
		length += token.length;
		if (token === '{' || token === '[') level += 1;
		const white = token === ':' ? 1 : '{[,}]'.includes(token) ? 1 + 2 * level : 0;
		added[level] = (added[level] ?? 0) + white;
		if (token === '}' || token === ']') level -= 1;
	}
	const tooDeep = added.findIndex((white) => {
		length += white ?? 0;
		return length > MAX_LAID_OUT;
	});
	return tooDeep === -1 ? added.length : tooDeep - 1;
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

/** The text of each item of a JSON array. */
export function itemsOf(json: string): string[] {
	const items: string[] = [];
	let depth = 0;
	let start = 0;
	for (const { 0: token, index } of json.matchAll(BRACKET_OR_STRING)) {
		if (token === '{' || token === '[') {
			depth += 1;
			if (depth === 1) start = index + 1;
		} else if (token === '}' || token === ']') depth -= 1;
		const isEnd = (token === ']' && depth === 0) || (token === ',' && depth === 1);
		if (!isEnd) continue;
		const item = json.slice(start, index).trim();
		if (item !== '') items.push(item);
		start = index + 1;
	}
	return items;
}

/** A string in a JSON, by the names on the way to it. */
export interface LongText {
	path: string;
	value: string;
}

const MAX_LONG_TEXTS = 5;

/** The strings with line breaks: stacks, sources, prompts. In JSON each is one line that nobody can read. */
export function longTextsIn(json: string): LongText[] {
	const found: LongText[] = [];
	if (!json.includes('\\n')) return found;
	const open: [path: string, value: unknown][] = [['', JSON.parse(json)]];
	for (let next = open.shift(); next && found.length < MAX_LONG_TEXTS; next = open.shift()) {
		const [path, value] = next;
		if (typeof value === 'string' && value.trim().includes('\n')) found.push({ path, value });
		if (typeof value !== 'object' || value === null) continue;
		for (const [name, member] of Object.entries(value))
			open.push([path === '' ? name : `${path}.${name}`, member]);
	}
	return found;
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

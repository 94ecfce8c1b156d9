/**
 * The stored form of JSON is the text that was sent, without white space and with only the necessary escapes. It is
 * text because a parsed value loses information: JavaScript moves integer-like member names to the front, turns -0 into
 * 0, and numbers beyond a double's range into null.
 */

/** Whether a value is what JSON calls an object: neither an array nor null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the stored form of each member of an object, by name. `text` must be valid JSON, and `value` the result of
 * JSON.parse, at most some hundred levels deep.
 */
export function rawMembers(
	text: string,
	value: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, string> {
	const members = Object.entries(value).map(([name, member]) => [name, JSON.stringify(member)] as const);
	const written = members.map(([name, member]) => `${JSON.stringify(name)}:${member}`).join(',');
	// JSON.stringify is faster than scanMembers. If it returns the sent text, parsing lost nothing.
	return text === `{${written}}` ? new Map(members) : scanMembers(text);
}

/** The same for the items of an array. */
export function rawItems(text: string, value: readonly unknown[]): readonly string[] {
	const items = value.map((item) => JSON.stringify(item));
	return text === `[${items.join(',')}]` ? items : scanItems(text);
}

/**
 * The same as rawMembers for a text of any depth. Of duplicate members the last value counts, in the first one's place, as
 * in JSON.parse.
 */
export function scanMembers(text: string): Map<string, string> {
	const named = new Map<string, string>();
	for (const [name, member] of scan(text)?.members ?? []) named.set(JSON.parse(name) as string, member);
	return named;
}

/** The same as rawItems for a text of any depth. */
export const scanItems = (text: string): string[] => scan(text)?.items ?? [];

interface Frame {
	/** The name as written. Undefined for an array. */
	members: Map<string, string> | undefined;
	items: string[];
	name: string | undefined;
}

/** Reads an object or an array. Undefined for any other value. */
function scan(text: string): Frame | undefined {
	const stack: Frame[] = [];
	let top: Frame | undefined;
	let outermost: Frame | undefined;

	const put = (item: string) => {
		if (!top) return;
		if (top.members) {
			top.members.set(top.name ?? '', item);
			top.name = undefined;
		} else {
			top.items.push(item);
		}
	};

	for (let at = 0; at < text.length; ) {
		const char = text[at];
		switch (char) {
			case '{':
			case '[':
				if (top) stack.push(top);
				top = { members: char === '{' ? new Map() : undefined, items: [], name: undefined };
				at += 1;
				break;
			case '}':
			case ']': {
				const closed = top;
				top = stack.pop();
				if (!top) outermost = closed;
				else put(closed?.members ? objectText(closed.members) : `[${closed?.items.join(',') ?? ''}]`);
				at += 1;
				break;
			}
			case '"': {
				const end = endOfString(text, at);
				const token = text.slice(at, end);
				// A raw token without a backslash is in its shortest form already.
				const string = token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
				if (top?.members && top.name === undefined) top.name = string;
				else put(string);
				at = end;
				break;
			}
			case ' ':
			case '\t':
			case '\n':
			case '\r':
			case ',':
			case ':':
				at += 1;
				break;
			default: {
				const end = endOfLiteral(text, at);
				put(text.slice(at, end));
				at = end;
			}
		}
	}
	return outermost;
}

function objectText(members: ReadonlyMap<string, string>): string {
	let text = '';
	for (const [name, member] of members) text += text === '' ? `${name}:${member}` : `,${name}:${member}`;
	return `{${text}}`;
}

/** The index after the closing quote of the string that opens at `start`. */
export function endOfString(text: string, start: number): number {
	for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
		let before = quote - 1;
		while (text[before] === '\\') before -= 1;
		const backslashes = quote - 1 - before;
		if (backslashes % 2 === 0) return quote + 1;
	}
}

/** The index after the number, true, false or null that begins at `start`. */
export function endOfLiteral(text: string, start: number): number {
	let end = start + 1;
	while (end < text.length && !' \t\n\r,]}'.includes(text.charAt(end))) end += 1;
	return end;
}

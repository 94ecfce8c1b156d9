const bytes = (text: string) => new TextEncoder().encode(text).byteLength;

/** An object of an exact number of bytes, filled with a character. */
export function objectOf(size: number, fill = 'x'): string {
	const room = size - bytes('{"a":""}');
	const filled = fill.repeat(Math.floor(room / bytes(fill)));
	return `{"a":"${filled}${'x'.repeat(room - bytes(filled))}"}`;
}

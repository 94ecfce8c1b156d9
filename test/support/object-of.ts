const bytes = (text: string) => new TextEncoder().encode(text).byteLength;

/** An object of exactly so many bytes, filled with a character. */
export function objectOf(size: number, fill = 'x'): string {
	const room = size - bytes('{"a":""}');
	const filled = fill.repeat(Math.floor(room / bytes(fill)));
	return `{"a":"${filled}${'x'.repeat(room - bytes(filled))}"}`;
}

const UNITS = [
	['d', 86_400_000],
	['h', 3_600_000],
	['min', 60_000],
	['s', 1000],
] as const;

/** A length of time in its largest unit that fits: "3 min". Below a second: "0 s". */
export function lengthOf(milliseconds: number): string {
	const [unit, size] = UNITS.find(([, size]) => milliseconds >= size) ?? (['s', 1000] as const);
	return `${Math.max(0, Math.floor(milliseconds / size))} ${unit}`;
}

/** A length of time with enough digits to compare: "1.2 s", "3 min 20 s". */
export function exactLengthOf(milliseconds: number): string {
	if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
	if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
	const at = UNITS.findIndex(([, size]) => milliseconds >= size);
	const [unit, size] = UNITS[at] ?? UNITS[2];
	const [lesser, lesserSize] = UNITS[at + 1] ?? UNITS[3];
	return `${Math.floor(milliseconds / size)} ${unit} ${Math.floor((milliseconds % size) / lesserSize)} ${lesser}`;
}

/** How long ago a time was: "3 min ago". */
export const ago = (time: string, now: number): string => `${lengthOf(now - Date.parse(time))} ago`;

/** The time of day with milliseconds, where the reader is. */
export function timeOfDay(time: string): string {
	const date = new Date(time);
	const two = (part: number) => String(part).padStart(2, '0');
	const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
	return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

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

/** A time on an axis whose marks are so far apart, where the reader is. */
export function axisTime(time: number, stepMs: number): string {
	const whole = timeOfDay(new Date(time).toISOString());
	if (stepMs >= 86_400_000 || (stepMs >= 60_000 && whole.startsWith('00:00:00')))
		return new Date(time).toLocaleDateString('en', { month: 'short', day: 'numeric' });
	if (stepMs >= 60_000) return whole.slice(0, 5);
	return stepMs >= 1000 ? whole.slice(0, 8) : whole;
}

/** A time to the second, where the reader is; with its date when that is not today. */
export function momentOf(time: number, now: number): string {
	const date = new Date(time);
	const clock = timeOfDay(date.toISOString()).slice(0, 8);
	const isToday = date.toDateString() === new Date(now).toDateString();
	return isToday ? clock : `${date.toLocaleDateString('en', { month: 'short', day: 'numeric' })} ${clock}`;
}

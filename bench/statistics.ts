export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5);

/** The percentile of the numbers for a fraction. */
export function percentile(numbers: readonly number[], part: number): number {
	const sorted = [...numbers].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const rounded = (number: number): number => Math.round(number * 100) / 100;

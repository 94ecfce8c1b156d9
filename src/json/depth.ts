/** Whether objects and arrays nest more than `levels` deep. It recurses no deeper than that itself. */
export function nestsDeeperThan(levels: number, value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	if (levels === 0) return true;
	if (Array.isArray(value)) return value.some((item) => nestsDeeperThan(levels - 1, item));
	// Object.values would allocate an array for each object of a large body.
	for (const name in value) {
		if (nestsDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true;
	}
	return false;
}

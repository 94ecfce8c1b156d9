import type { Parameters } from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
	interface ProvidedContext {
		/** The options of `npm run fuzz`. */
		fuzz?: { seed: number; seconds: number };
	}
}

const SEED = 20_260_115;

/** The parameters of a property: the same few cases in each `npm test`, and many random ones in `npm run fuzz`. */
export function runs<T>(numRuns: number): Parameters<T> {
	const fuzz = inject('fuzz');
	if (!fuzz) return { seed: SEED, numRuns };
	const { seed, seconds } = fuzz;
	return { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 };
}

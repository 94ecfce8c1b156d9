import { usageError } from './failure.ts';

/** Where D1 can promise that a database runs and stores its data. It can be chosen only when a database is created. */
export const jurisdictions = ['eu', 'fedramp', 'us'];

/** Returns the value of --jurisdiction. Throws a Failure when D1 does not know it. */
export function checkedJurisdiction(value: string): string {
	if (jurisdictions.includes(value)) return value;
	throw usageError(
		`--jurisdiction: "${value}" is not a jurisdiction of D1. Use ${jurisdictions.join(', ')}.`,
	);
}

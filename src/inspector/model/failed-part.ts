import { type ExactObjects, TITLES } from './object-names.ts';
import { isObject } from './payload.ts';
import { outcomeIn, reasonIn } from './seen.ts';

/** A part of an object that says that it has failed. */
export interface FailedPart {
	tab: 'plan' | 'assemblyState';
	/** Where it is, in words. */
	place: string;
	reason: string;
}

const MAX_LOOKED_AT = 20_000;

/** The outermost part of the assembly state, or else of the plan, whose `state`, `status` or the like tells of a failure. */
export function failedPartIn(objects: ExactObjects): FailedPart | undefined {
	for (const tab of ['assemblyState', 'plan'] as const) {
		const parts: { path: string[]; part: unknown }[] = [{ path: [], part: JSON.parse(objects[tab]) }];
		for (let at = 0; at < parts.length && at < MAX_LOOKED_AT; at += 1) {
			const { path = [], part } = parts[at] ?? {};
			const outcome = isObject(part) ? outcomeIn(part) : undefined;
			const reason = isObject(part) ? reasonIn([part]) : undefined;
			// `error` alone may be how a part of a page looks.
			if (outcome && (reason || /ed$/i.test(outcome))) {
				const place = [path.join('.'), TITLES[tab]].filter(Boolean).join(' of ');
				return { tab, place, reason: reason ?? outcome };
			}
			for (const [name, value] of Object.entries(part ?? {})) {
				if (typeof value === 'object') parts.push({ path: [...path, name], part: value });
			}
		}
	}
	return undefined;
}

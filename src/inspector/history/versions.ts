import type { SessionStatus, Version } from '../../client/client.ts';
import { OBJECTS, type ObjectName } from '../model/object-names.ts';
import { positionOf } from '../model/seen.ts';

/** Versions in their order, with those that were read again replaced. */
export function withVersions(before: readonly Version[], read: readonly Version[]): readonly Version[] {
	const all = new Map([...before, ...read].map((each) => [each.version, each]));
	return [...all.values()].sort((a, b) => a.version - b.version);
}

/** The versions in which an object became another one, and the first one that is kept. */
export const versionsOf = (versions: readonly Version[], name: ObjectName): readonly Version[] =>
	versions.filter(
		({ changed }, index) =>
			index === 0 || (changed as string[]).includes(name) || !changed.some((field) => isKnown(field)),
	);
/** A change that was made while no history was kept names no fields, so it may have changed anything. */
const isKnown = (field: string): boolean =>
	(OBJECTS as readonly string[]).includes(field) || field === 'status' || field === 'productObjectHash';

/** The version that a session had right after an event. Undefined when none of that time is kept. */
export const versionAfter = (versions: readonly Version[], position: number): Version | undefined =>
	versions.findLast(({ afterEvent }) => afterEvent === null || positionOf(afterEvent) <= position);

/** The statuses that a session had, each from when it came. `createdAt` is when the session was created. */
export function statusesIn(
	versions: readonly Version[],
	createdAt: string,
): { status: SessionStatus; time: number }[] {
	const statuses: { status: SessionStatus; time: number }[] = [];
	for (const { status, updatedAt, version } of versions) {
		if (statuses.at(-1)?.status === status) continue;
		statuses.push({ status, time: Date.parse(version === 1 ? createdAt : updatedAt) });
	}
	return statuses;
}

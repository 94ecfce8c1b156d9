import type { Version } from '../../client/client.ts';
import { OBJECTS, TITLES } from '../model/object-names.ts';
import type { Seen } from '../model/seen.ts';
import type { Lane } from '../model/stages.ts';

/** What a timeline shows of a session that tells of no events: a lane for each object, with a mark for each version that changed it. */
export function versionLanes(versions: readonly Version[]): { lanes: Lane[]; marks: Seen[] } {
	const marks = versions.map((version) => markOf(version));
	const lanes = OBJECTS.map((name) => ({
		stage: TITLES[name],
		spans: [],
		events: versions.flatMap((version) =>
			version.changed.includes(name) ? { ...markOf(version), named: name } : [],
		),
	}));
	return { lanes: lanes.filter(({ events }) => events.length > 0), marks };
}

/** A version in the place of an event. Its position is the number of the version. */
const markOf = ({ version, updatedAt }: Version): Seen => ({
	id: '',
	position: version,
	createdAt: updatedAt,
	time: Date.parse(updatedAt),
	type: '',
	stage: null,
	message: null,
	failure: undefined,
	attempt: undefined,
	named: undefined,
	state: undefined,
	gist: undefined,
});

import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { app } from '../../src/app.ts';
import { openApiDocument } from '../../src/docs/openapi.ts';
import { type JsonSchema, printTypes, type TypeNames } from './print-types.ts';

const root = resolve(import.meta.dirname, '../..');
export const TYPES_FILE = join(root, 'src/client/types.ts');

/** `Error` would shadow the global of that name. */
const names: TypeNames = {
	SessionStatus: 'SessionStatus',
	Session: 'Session',
	SessionDetails: 'SessionDetails',
	CreateSession: 'CreateSession',
	UpdateSession: 'UpdateSession',
	MergeSession: 'MergeSession',
	Event: 'Event',
	EventPage: 'EventPage',
	AppendEvent: 'AppendEvent',
	AppendStep: 'AppendStep',
	StepPatch: 'StepPatch',
	Step: 'Step',
	SessionKey: 'SessionKey',
	ProblemCode: 'ProblemCode',
	Error: 'ErrorBody',
};

const HEADER = '// Generated from the OpenAPI document by `npm run build:client`. Do not edit it.\n\n';

/** The content of `src/client/types.ts` for the current routes, in this project's format. */
export function typesSource(): string {
	const { components } = openApiDocument(app.routes);
	const source = HEADER + printTypes((components?.schemas ?? {}) as Record<string, JsonSchema>, names);
	return execFileSync('biome', ['format', '--stdin-file-path=src/client/types.ts'], {
		cwd: root,
		input: source,
		encoding: 'utf8',
	});
}

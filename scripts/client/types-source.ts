import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { app } from '../../src/app.ts';
import { errorStatus } from '../../src/core/errors.ts';
import { openApiDocument } from '../../src/docs/openapi.ts';
import { type JsonSchema, printTypes, type TypeNames } from './print-types.ts';

const root = resolve(import.meta.dirname, '../..');
export const TYPES_FILE = join(root, 'src/client/types.ts');
export const VALUES_FILE = join(root, 'src/client/values.ts');

/** `Event` and `AppendEvent` are made of these in src/client/typed.ts. */
const names: TypeNames = {
	SessionStatus: { name: 'SessionStatus' },
	Session: { name: 'Session', objects: 'Stored' },
	SessionDetails: { name: 'SessionDetails', objects: 'Stored' },
	CreateSession: { name: 'CreateSession', objects: 'Sent' },
	UpdateSession: { name: 'UpdateSession', objects: 'Sent' },
	MergeSession: { name: 'MergeSession', objects: 'Patch' },
	EventPage: { name: 'EventPage', isGeneric: true },
	AppendStep: { name: 'AppendStep', isGeneric: true },
	StepPatch: { name: 'StepPatch', objects: 'Patch' },
	Step: { name: 'Step', isGeneric: true },
	Version: { name: 'Version' },
	VersionPage: { name: 'VersionPage' },
	SessionKey: { name: 'SessionKey' },
	CreateWebhook: { name: 'CreateWebhook' },
	UpdateWebhook: { name: 'UpdateWebhook' },
	Webhook: { name: 'Webhook' },
	CreatedWebhook: { name: 'CreatedWebhook' },
	WebhookSecret: { name: 'WebhookSecret' },
	WebhookTest: { name: 'WebhookTest' },
	WebhookDelivery: { name: 'WebhookDelivery' },
	WebhookDeliveryPage: { name: 'WebhookDeliveryPage' },
	WebhookReplay: { name: 'WebhookReplay' },
	ProblemCode: { name: 'ProblemCode' },
	ErrorResponse: { name: 'ErrorBody' },
};
const untyped: TypeNames = {
	SessionEvent: { name: 'AnyEvent' },
	AppendEvent: { name: 'AppendAnyEvent' },
};
/** The types that the others refer to by a name that typed.ts gives them. */
const handmade: TypeNames = {
	SessionEvent: { name: 'Event', isGeneric: true },
	AppendEvent: { name: 'AppendEvent', isGeneric: true },
};

const schemas = (): Readonly<Record<string, JsonSchema>> =>
	(openApiDocument(app.routes).components?.schemas ?? {}) as Record<string, JsonSchema>;

const HEADER = '// Generated from the OpenAPI document by `npm run build:client`. Do not edit it.\n\n';

/** The content of `src/client/types.ts` for the current routes, in this project's format. */
export function typesSource(): string {
	const imports =
		"import type { AppendEvent, Event, Patch, Sent, Stored, Types, Untyped } from './typed.ts';\n\n";
	return formatted(
		HEADER + imports + printTypes(schemas(), names, handmade) + printTypes(schemas(), untyped),
		TYPES_FILE,
	);
}

/** The content of `src/client/values.ts`: what the schemas list, and the version of the package. */
export function valuesSource(): string {
	const { SessionStatus, Session, SessionEvent } = schemas();
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
	const constants: [comment: string, name: string, value: unknown][] = [
		['Every status of a session, in the order of its life.', 'sessionStatuses', SessionStatus?.enum],
		[
			'Every field of a session, in the order of responses.',
			'sessionFields',
			Object.keys(Session?.properties ?? {}),
		],
		[
			'Every field of an event, in the order of responses.',
			'eventFields',
			Object.keys(SessionEvent?.properties ?? {}),
		],
		['Every code of an error of the service, with its HTTP status.', 'errorStatuses', errorStatus],
	];
	const source = constants.map(
		([comment, name, value]) =>
			`/** ${comment} */\nexport const ${name} = ${JSON.stringify(value)} as const;\n`,
	);
	const versionSource = `/** The version of this package. */\nexport const version = ${JSON.stringify(version)};\n`;
	return formatted(`${HEADER}${source.join('\n')}\n${versionSource}`, VALUES_FILE);
}

const formatted = (source: string, file: string): string =>
	execFileSync('biome', ['format', `--stdin-file-path=${file}`], {
		cwd: root,
		input: source,
		encoding: 'utf8',
	});

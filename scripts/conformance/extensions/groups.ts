import type { Check, Extension } from '../check.ts';
import { conditionalChecks } from './conditional.ts';
import { eventPagesChecks } from './event-pages.ts';
import { fieldsChecks } from './fields.ts';
import { followingChecks } from './following.ts';
import { hashChecks } from './hash.ts';
import { historyChecks } from './history.ts';
import { idempotencyChecks } from './idempotency.ts';
import { mergePatchChecks } from './merge-patch.ts';
import { pagesChecks } from './pages.ts';
import { sessionKeysChecks } from './session-keys.ts';
import { stateChecks } from './state.ts';
import { stateChangesChecks } from './state-changes.ts';
import { stepsChecks } from './steps.ts';
import { ttlChecks } from './ttl.ts';
import { webhooksChecks } from './webhooks.ts';
import { webhooksMessagesChecks } from './webhooks-messages.ts';

/** The checks of each extension. */
export const checksOfExtension: Readonly<Record<Extension, readonly Check[]>> = {
	'merge-patch': mergePatchChecks,
	hash: hashChecks,
	conditional: conditionalChecks,
	idempotency: idempotencyChecks,
	ttl: ttlChecks,
	fields: fieldsChecks,
	pages: pagesChecks,
	'event-pages': eventPagesChecks,
	steps: stepsChecks,
	following: followingChecks,
	state: [...stateChecks, ...stateChangesChecks],
	history: historyChecks,
	'session-keys': sessionKeysChecks,
	webhooks: [...webhooksChecks, ...webhooksMessagesChecks],
};

import type { Breakage } from '../../support/broken-server/breakage.ts';
import { brokenStreams } from './following.ts';
import { brokenHistory } from './history.ts';
import { brokenReads } from './reads.ts';
import { brokenSessionKeys } from './session-keys.ts';
import { brokenState } from './state.ts';
import { brokenSteps } from './steps.ts';
import { brokenWebhooks } from './webhooks.ts';
import { brokenWrites } from './writes.ts';

/** A broken rule, and the checks that must fail because of it. No other check of the same extensions may fail. */
export const brokenExtensions: [rule: string, breakage: Breakage, checks: string[]][] = [
	...brokenWrites,
	...brokenReads,
	...brokenSteps,
	...brokenStreams,
	...brokenState,
	...brokenHistory,
	...brokenSessionKeys,
	...brokenWebhooks,
];

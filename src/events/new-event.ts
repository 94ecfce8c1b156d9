import type { z } from 'zod';
import { limits } from '../core/limits.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import type { appendSchema } from './schema.ts';
import type { NewEvent } from './store.ts';

/** Makes an event of what was sent. Throws PAYLOAD_TOO_LARGE, which names the payload by its path in the request. */
export function newEvent(fields: z.output<typeof appendSchema>, payloadPath: string): NewEvent {
	return {
		type: fields.type,
		stage: fields.stage ?? null,
		message: fields.message ?? null,
		payload: fields.payload ? textOrTooLarge(fields.payload, payloadPath, limits.eventPayload) : '{}',
		nonce: newNonce(),
	};
}

/** The content of an event, as a retry must send it again. */
export const contentOf = ({ type, stage, message, payload }: NewEvent): (string | null)[] => [
	type,
	stage,
	message,
	payload,
];

/** Twenty random hex digits. A UUID's digits would not do: some of them say its version. */
const newNonce = (): string =>
	Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, '0')).join(
		'',
	);

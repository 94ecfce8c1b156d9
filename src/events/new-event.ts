import type { z } from 'zod';
import { limits } from '../core/limits.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import type { NewEvent } from './append-store.ts';
import type { appendSchema } from './schema.ts';

/** Makes an event from a request body. Throws PAYLOAD_TOO_LARGE with the path of the payload in the request. */
export function newEvent(fields: z.output<typeof appendSchema>, payloadPath: string): NewEvent {
	return {
		type: fields.type,
		stage: fields.stage ?? null,
		message: fields.message ?? null,
		payload: fields.payload ? textOrTooLarge(fields.payload, payloadPath, limits.eventPayload) : '{}',
		nonce: newNonce(),
	};
}

/** The content of an event, which a retry must repeat. */
export const contentOf = ({ type, stage, message, payload }: NewEvent): (string | null)[] => [
	type,
	stage,
	message,
	payload,
];

/** Twenty random hex digits. A UUID is not suitable, because some of its digits are fixed. */
const newNonce = (): string =>
	Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, '0')).join(
		'',
	);

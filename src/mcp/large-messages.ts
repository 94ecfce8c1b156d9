import { LARGE_TEXT } from '../core/held-bytes.ts';
import { beginLargeMessage } from '../core/isolate-turns.ts';
import type { Owner } from '../core/principal.ts';
import { isObject } from '../json/schema.ts';

/** The most values in a message, those within the arguments of a tool not counted. The protocol itself needs some twenty. */
const MAX_VALUES = 2000;

/**
 * Whether a message has few values outside of the arguments of a tool. The protocol's library looks at each of them several times,
 * and at nothing within an argument: it takes 200 ms for a megabyte of short members.
 */
export function isUsual(message: unknown): boolean {
	const args = isObject(message) && isObject(message.params) ? message.params.arguments : undefined;
	const waiting: unknown[] = [message];
	for (let counted = 0; waiting.length > 0; ) {
		const value = waiting.pop();
		if (typeof value !== 'object' || value === null) continue;
		// A loop, because Object.values would make a large array of what is refused.
		for (const name in value) {
			counted += 1;
			if (counted > MAX_VALUES) return false;
			if (value !== args) waiting.push((value as Record<string, unknown>)[name]);
		}
	}
	return true;
}

/**
 * Answers a message of some bytes. The large ones of a caller take turns until their response has been sent, because what is read
 * of one can take twenty times its bytes in memory. Throws RATE_LIMITED when the turn does not come within ten seconds.
 */
export async function answerInTurn(
	owner: Owner,
	bytes: number,
	answer: () => Promise<Response>,
): Promise<Response> {
	if (bytes < LARGE_TEXT) return answer();
	const end = await beginLargeMessage(owner, bytes);
	let response: Response | undefined;
	try {
		response = await answer();
	} finally {
		if (!response?.body) end();
	}
	if (!response.body) return response;
	return new Response(response.body.pipeThrough(new TransformStream({ flush: end })), response);
}

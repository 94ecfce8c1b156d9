import type { Token } from './options.ts';

/** The source of the token for a client's requests. */
export interface TokenSource {
	/** The token in use. */
	current(): Promise<string>;
	/** A token to try in place of `refused`, or undefined when there is no other. */
	renewed(refused: string): Promise<string | undefined>;
	/** A new token from the caller's function. */
	fresh(): Promise<string>;
}

/**
 * Keeps the token from the caller's function until the service rejects it. It keeps only the token and never a promise
 * of it: in a Worker, a request must not wait for a promise of another request.
 */
export function tokenSource(token: Token): TokenSource {
	let known: string | undefined;
	async function ask(): Promise<string> {
		known = checked(typeof token === 'string' ? token : await token());
		return known;
	}
	return {
		current: async () => known ?? (await ask()),
		fresh: ask,
		async renewed(refused) {
			if (typeof token === 'string') return undefined;
			const other = known !== undefined && known !== refused ? known : await ask();
			return other === refused ? undefined : other;
		},
	};
}

/** The message does not contain the token. The error of `fetch` for such a header would quote it. */
function checked(token: string): string {
	if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
		throw new TypeError('The token must be a string of visible ASCII characters, without spaces.');
	}
	return token;
}

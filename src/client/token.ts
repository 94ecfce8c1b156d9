import type { Token } from './options.ts';

/** Where the requests of a client get their token. */
export interface TokenSource {
	/** The token in use. */
	current(): Promise<string>;
	/** A token that may work where `refused` did not; undefined when there is none. */
	renewed(refused: string): Promise<string | undefined>;
	/** A new token from the caller's function. */
	fresh(): Promise<string>;
}

/**
 * Keeps the token that the caller's function returned until it is refused. Only the token is kept, never a promise of it:
 * in a Worker, a request must not wait for what another request began.
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

/** The message leaves the token out. The error of `fetch` for such a header would quote it. */
function checked(token: string): string {
	if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
		throw new TypeError('The token must be a string of visible ASCII characters, without spaces.');
	}
	return token;
}

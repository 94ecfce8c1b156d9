/** A code that got no key. The message is for people. */
export class CodeError extends Error {}

/** Exchanges the one-time code of a link that `npm run dev` printed for its key. Throws a CodeError. */
export async function keyForCode(code: string): Promise<string> {
	const response = await fetch('/inspector/code', { method: 'POST', body: code }).catch(() => undefined);
	if (response?.ok) return response.text();
	if (response === undefined || response.status >= 500) {
		throw new CodeError('The service cannot be reached. Open the link again when it runs.');
	}
	if (response.status === 401) {
		throw new CodeError(
			'The code of this link does not work. A code works once, for ten minutes, while its npm run dev runs. Run it again for a new link, or enter the key of the curl lines that it printed.',
		);
	}
	throw new CodeError('This service takes no codes: only npm run dev does. Enter a key.');
}

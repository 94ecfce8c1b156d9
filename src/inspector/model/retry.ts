/** The end of a name such as `scene/2 (retry 1)`, `build-attempt-2` or `page #try3`. */
const RETRY = /[\s/._:#([-]+(retry|attempt|try)[\s/._:#-]*(\d{0,4})[)\]]?$/i;

/** The stage that a name tells another attempt of, and which attempt it is. Undefined when the name tells of none. */
export function retryIn(name: string): { stage: string; attempt: number } | undefined {
	const found = RETRY.exec(name);
	const stage = name.slice(0, found?.index);
	if (!found || stage === '') return undefined;
	const number = Number(found[2] || '1');
	return { stage, attempt: found[1]?.toLowerCase() === 'retry' ? number + 1 : number };
}

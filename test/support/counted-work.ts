/** The work of one call: `self` is its object, `given` its arguments. */
type Work = (self: unknown, given: readonly unknown[], result: unknown) => number;

const one: Work = () => 1;
const readsSelf: Work = (self) => String(self).length;
const readsGiven: Work = (_self, [text]) => String(text).length;
const writes: Work = (_self, _given, result) => String(result).length;
const searches: Work = (self, [, from = 0], found) =>
	(found === -1 ? String(self).length : Number(found)) - Number(from);

/** The built-in functions that read or write texts. A slice shares its characters with the whole text. */
const COUNTED: [owner: object, work: Work, names: string[]][] = [
	[String.prototype, one, ['at', 'charAt', 'charCodeAt', 'codePointAt', 'slice', 'startsWith', 'substring']],
	[String.prototype, searches, ['indexOf']],
	[String.prototype, readsSelf, ['concat', 'match', 'replace', 'replaceAll', 'split', 'toLowerCase', 'trim']],
	[RegExp.prototype, readsGiven, ['exec', 'test']],
	[JSON, readsGiven, ['parse']],
	[JSON, writes, ['stringify']],
	[Array.prototype, writes, ['join']],
];

/**
 * Counts the characters that a function reads and writes by way of built-in functions. It does not see the operator +,
 * which copies nothing until the result is read.
 */
export function countedWork(run: () => unknown): number {
	let work = 0;
	const restore: (() => void)[] = [];
	const replaced = COUNTED.flatMap(([owner, workOf, names]) =>
		names.map((name) => ({ owner, workOf, name, descriptor: descriptorOf(owner, name) })),
	);
	for (const { owner, workOf, name, descriptor } of replaced) {
		const original: (...given: unknown[]) => unknown = descriptor.value;
		function counting(this: unknown, ...given: unknown[]): unknown {
			const result = original.apply(this, given);
			work += workOf(this, given, result);
			return result;
		}
		restore.push(() => Object.defineProperty(owner, name, descriptor));
		Object.defineProperty(owner, name, { ...descriptor, value: counting });
	}
	try {
		run();
	} finally {
		for (const undo of restore) undo();
	}
	return work;
}

function descriptorOf(owner: object, name: string): PropertyDescriptor {
	const descriptor = Object.getOwnPropertyDescriptor(owner, name);
	if (!descriptor) throw new Error(`There is no built-in function ${name}.`);
	return descriptor;
}

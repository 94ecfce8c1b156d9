import { type Schema, Validator } from '@cfworker/json-schema';
import facts from './reference-facts.json' with { type: 'json' };

/** What the document of the reference says of the six calls. */
export { facts };

export type CallName = keyof typeof facts.calls;

/** The words of the facts for a schema, as JSON Schema: `session`, `[session]`, or an object of such words. */
function schemaOf(words: unknown): Schema {
	if (typeof words === 'object' && words !== null) {
		const properties = Object.entries(words).map(([name, each]) => [name, schemaOf(each)]);
		return { type: 'object', required: Object.keys(words), properties: Object.fromEntries(properties) };
	}
	const text = String(words);
	if (['string', 'number', 'boolean'].includes(text)) return { type: text as 'string' };
	const [base = '', more] = text.split(' with ');
	const [, items] = /^\[(\w+)\]$/.exec(base) ?? [];
	if (items !== undefined) return { type: 'array', items: schemaOf(items) };
	if (!Object.hasOwn(facts.$defs, base)) throw new RangeError(`The facts have no definition of ${base}.`);
	const known: Schema = { $ref: `#/$defs/${base}` };
	if (more === undefined) return known;
	const [name = '', content] = more.split(': ');
	return { allOf: [known, { type: 'object', required: [name], properties: { [name]: schemaOf(content) } }] };
}

/** Returns how a body differs from the answer of a call with a status. Throws when the facts do not have the answer. */
export function differences(call: CallName, status: number, body: unknown): string[] {
	const answers: Record<string, unknown> = facts.calls[call].answers;
	if (!Object.hasOwn(answers, String(status))) throw new RangeError(`${call} does not answer ${status}.`);
	const schema = { ...schemaOf(answers[status]), $defs: facts.$defs } as Schema;
	const { errors } = new Validator(schema, '2020-12', false).validate(body);
	return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

/** Returns how a body differs from the error of the facts. The document allows a status that it does not list. */
export function differencesFromError(body: unknown): string[] {
	const schema = { ...schemaOf('error'), $defs: facts.$defs } as Schema;
	const { errors } = new Validator(schema, '2020-12', false).validate(body);
	return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

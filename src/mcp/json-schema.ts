import * as z from 'zod';

type JsonSchema = Record<string, unknown>;

/** What the OpenAPI document needs beside JSON Schema. */
const NOT_JSON_SCHEMA = ['override', 'param', 'example'];

/**
 * What the JSON Schema of a result leaves out. The list of tools goes into the context of a language model, and the service
 * bounds what it sends. And a client must not reject a member that a later version of the service adds.
 */
const NOT_FOR_OUTPUT = ['maxLength', 'maxItems', 'pattern', 'additionalProperties'];

/**
 * The JSON Schema of a Zod schema, for the input or the output of a tool. It has no references, because some clients do not
 * follow them.
 */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
	const { $defs = {}, ...json } = z.toJSONSchema(schema, {
		io,
		// An object that is taken whole is a custom schema. Its metadata has the JSON Schema.
		unrepresentable: 'any',
		override({ jsonSchema }) {
			const { override } = jsonSchema as {
				override?: JsonSchema | ((of: { jsonSchema: JsonSchema }) => void);
			};
			if (typeof override === 'function') override({ jsonSchema });
			else Object.assign(jsonSchema, override);
			for (const name of NOT_JSON_SCHEMA) delete jsonSchema[name];
			if (io === 'output') for (const name of NOT_FOR_OUTPUT) delete jsonSchema[name];
		},
	});
	return withoutReferences(json, $defs as Record<string, JsonSchema>) as JsonSchema;
}

function withoutReferences(json: unknown, definitions: Readonly<Record<string, JsonSchema>>): unknown {
	if (Array.isArray(json)) return json.map((item) => withoutReferences(item, definitions));
	if (typeof json !== 'object' || json === null) return json;
	const { $ref, ...members } = json as JsonSchema;
	const whole =
		typeof $ref === 'string' ? { ...definitions[$ref.split('/').at(-1) ?? ''], ...members } : members;
	return Object.fromEntries(
		Object.entries(whole).map(([name, member]) => [name, withoutReferences(member, definitions)]),
	);
}

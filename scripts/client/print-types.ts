/**
 * Prints TypeScript types from the schemas of the OpenAPI document. The client package does not use the types of the
 * Zod schemas, because it would then need Zod, and editors would show a chain of generics instead of the fields.
 */

/** The part of JSON Schema that the document uses. */
export interface JsonSchema {
	$ref?: string;
	type?: string | readonly string[];
	const?: unknown;
	enum?: readonly unknown[];
	anyOf?: readonly JsonSchema[];
	oneOf?: readonly JsonSchema[];
	properties?: Readonly<Record<string, JsonSchema>>;
	required?: readonly string[];
	items?: JsonSchema;
	additionalProperties?: boolean | JsonSchema;
	description?: string;
}

/** The name of the type for each component of the document that the package exports. */
export type TypeNames = Readonly<Record<string, string>>;

/** Prints one exported type for each named component. Throws when a component is missing or has no type in TypeScript. */
export function printTypes(components: Readonly<Record<string, JsonSchema>>, names: TypeNames): string {
	const declarations = Object.entries(names).map(([component, name]) => {
		const schema = components[component];
		if (schema === undefined) throw new Error(`The OpenAPI document has no schema named ${component}.`);
		const comment = docComment(schema.description);
		return schema.properties
			? `${comment}export interface ${name} ${membersOf(schema, names)}`
			: `${comment}export type ${name} = ${typeOf(schema, names)};`;
	});
	return `${declarations.join('\n\n')}\n`;
}

function docComment(description: string | undefined): string {
	if (description === undefined) return '';
	const [first, ...rest] = description.replaceAll('*/', '*\\/').split('\n');
	if (rest.length === 0) return `/** ${first} */\n`;
	const lines = [first, ...rest].map((line) => ` * ${line}`.trimEnd());
	return `/**\n${lines.join('\n')}\n */\n`;
}

function membersOf({ properties = {}, required = [] }: JsonSchema, names: TypeNames): string {
	const members = Object.entries(properties).map(([name, schema]) => {
		const type = typeOf(schema, names);
		const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
		const member = required.includes(name) ? `${key}: ${type};` : `${key}?: ${type} | undefined;`;
		return docComment(schema.description) + member;
	});
	return `{\n${members.join('\n')}\n}`;
}

function typeOf(schema: JsonSchema, names: TypeNames): string {
	if (schema.$ref !== undefined) {
		const component = schema.$ref.replace('#/components/schemas/', '');
		const name = names[component];
		if (name === undefined) throw new Error(`${component} is referred to, and has no name in the package.`);
		return name;
	}
	if (schema.const !== undefined) return JSON.stringify(schema.const);
	if (schema.enum) return unionOf(schema.enum.map((value) => JSON.stringify(value)));
	const choices = schema.anyOf ?? schema.oneOf;
	if (choices) return unionOf(choices.map((choice) => typeOf(choice, names)));
	const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
	return unionOf(types.map((type) => typeNamed(type, schema, names)));
}

function unionOf(types: readonly string[]): string {
	if (types.length === 0) throw new Error('A schema without a type has no type in TypeScript.');
	return [...new Set(types)].join(' | ');
}

function typeNamed(type: string, schema: JsonSchema, names: TypeNames): string {
	switch (type) {
		case 'object':
			return schema.properties ? membersOf(schema, names) : 'Record<string, unknown>';
		case 'array':
			return `Array<${typeOf(schema.items ?? {}, names)}>`;
		case 'integer':
			return 'number';
		case 'string':
		case 'number':
		case 'boolean':
		case 'null':
			return type;
		default:
			throw new Error(`The JSON Schema type ${type} has no type in TypeScript.`);
	}
}

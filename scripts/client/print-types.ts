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

/** The type that the package exports for a component of the document. */
interface TypeName {
	name: string;
	/**
	 * The type of each object whose members the document leaves open, with its name: `Stored` gives `Stored<T, 'plan'>`. The
	 * exported type then has the parameter `T`. Without it, such an object is `Record<string, unknown>`.
	 */
	objects?: string;
	/** Whether the type has the parameter `T` only to pass it on to the types within. */
	isGeneric?: boolean;
}

/** The type for each component of the document that the package exports. */
export type TypeNames = Readonly<Record<string, TypeName>>;

/**
 * Prints one exported type for each named component, which may refer to the handmade ones. Throws when a component is missing
 * or has no type in TypeScript.
 */
export function printTypes(
	components: Readonly<Record<string, JsonSchema>>,
	names: TypeNames,
	handmade: TypeNames = {},
): string {
	const declarations = Object.entries(names).map(([component, type]) => {
		const schema = components[component];
		if (schema === undefined) throw new Error(`The OpenAPI document has no schema named ${component}.`);
		const comment = docComment(schema.description);
		const name = isGeneric(type) ? `${type.name}<T extends Types = Untyped>` : type.name;
		const context = { names: { ...names, ...handmade }, objects: type.objects };
		return schema.properties
			? `${comment}export interface ${name} ${membersOf(schema, context)}`
			: `${comment}export type ${name} = ${typeOf(schema, context)};`;
	});
	return `${declarations.join('\n\n')}\n`;
}

const isGeneric = (type: TypeName): boolean => type.isGeneric === true || type.objects !== undefined;

interface Context {
	names: TypeNames;
	objects: string | undefined;
}

function docComment(description: string | undefined): string {
	if (description === undefined) return '';
	const [first, ...rest] = description.replaceAll('*/', '*\\/').split('\n');
	if (rest.length === 0) return `/** ${first} */\n`;
	const lines = [first, ...rest].map((line) => ` * ${line}`.trimEnd());
	return `/**\n${lines.join('\n')}\n */\n`;
}

function membersOf({ properties = {}, required = [] }: JsonSchema, context: Context): string {
	const members = Object.entries(properties).map(([name, schema]) => {
		const type = typeOf(schema, context, name);
		const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
		const member = required.includes(name) ? `${key}: ${type};` : `${key}?: ${type} | undefined;`;
		return docComment(schema.description) + member;
	});
	return `{\n${members.join('\n')}\n}`;
}

/** `property` is the name of the property that has the schema, if one has. */
function typeOf(schema: JsonSchema, context: Context, property?: string): string {
	if (schema.$ref !== undefined) {
		const component = schema.$ref.replace('#/components/schemas/', '');
		const type = context.names[component];
		if (type === undefined) throw new Error(`${component} is referred to, and has no name in the package.`);
		return isGeneric(type) ? `${type.name}<T>` : type.name;
	}
	if (schema.const !== undefined) return JSON.stringify(schema.const);
	if (schema.enum) return unionOf(schema.enum.map((value) => JSON.stringify(value)));
	const choices = schema.anyOf ?? schema.oneOf;
	if (choices) return unionOf(choices.map((choice) => typeOf(choice, context, property)));
	const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
	return unionOf(types.map((type) => typeNamed(type, schema, context, property)));
}

function unionOf(types: readonly string[]): string {
	if (types.length === 0) throw new Error('A schema without a type has no type in TypeScript.');
	return [...new Set(types)].join(' | ');
}

function typeNamed(type: string, schema: JsonSchema, context: Context, property: string | undefined): string {
	switch (type) {
		case 'object':
			if (schema.properties) return membersOf(schema, context);
			return context.objects === undefined
				? 'Record<string, unknown>'
				: `${context.objects}<T, '${property}'>`;
		case 'array':
			return `Array<${typeOf(schema.items ?? {}, context)}>`;
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

import type { oas31 } from 'zod-openapi';
import { type Document, SUMMARY } from './openapi.ts';

/** The OpenAPI document as Markdown, for language models and other readers of plain text. See https://llmstxt.org. */

type Schema = oas31.SchemaObject | oas31.ReferenceObject;
type Operation = oas31.OperationObject & { method: string; path: string };

const METHODS = ['get', 'post', 'patch', 'delete'] as const;

const operations = (document: Document): Operation[] =>
	Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
		METHODS.flatMap((method) => {
			const operation = item[method];
			return operation ? [{ ...operation, method: method.toUpperCase(), path }] : [];
		}),
	);

const title = ({ method, path }: Operation) => `${method} ${path}`;

/** A short overview with links to everything else. */
export function overview(document: Document): string {
	const calls = operations(document).map((operation) => `- \`${title(operation)}\`: ${operation.summary}`);
	return `# ${document.info.title}

> ${SUMMARY}

${document.info.description}

## Reference

- [The whole reference](/llms-full.txt): every call, parameter, field and error, as Markdown
- [OpenAPI](/openapi.json): the same for programs
- [Reference page](/docs): the same for people, with calls to try

## Calls

${calls.join('\n')}
`;
}

/** The whole reference. */
export function fullText(document: Document): string {
	const schemas = Object.entries(document.components?.schemas ?? {}).map(
		([name, schema]) => `### ${name}\n\n${schemaText(schema)}`,
	);
	const schemes = Object.values(document.components?.securitySchemes ?? {}).map((scheme) =>
		'description' in scheme ? `- ${scheme.description}` : '',
	);
	const parts = (document.tags ?? []).map(
		({ name, description }) => `## ${name}\n\n${description}\n\n${ofTag(document, name)}`,
	);
	return `# ${document.info.title}

> ${SUMMARY}

${document.info.description}

## Authentication

\`Authorization: Bearer <token>\`, where the token is one of these:

${schemes.join('\n')}

${parts.join('\n\n')}

## Schemas

${schemas.join('\n\n')}
`;
}

const ofTag = (document: Document, tag: string): string =>
	operations(document)
		.filter(({ tags }) => tags?.includes(tag))
		.map((operation) => operationText(document, operation))
		.join('\n\n');

function operationText(document: Document, operation: Operation): string {
	const parameters = (operation.parameters ?? []).map((parameter) => {
		const { name, in: where, required, description, schema } = resolve(document, parameter);
		const flag = required ? ', required' : '';
		return `- \`${name}\` (${where}${flag}): ${typeText(schema)}. ${description ?? schemaDescription(schema)}`.trim();
	});
	const body = operation.requestBody && resolve(document, operation.requestBody);
	const bodies = Object.entries(body?.content ?? {}).map(
		([type, { schema }]) => `- body, \`${type}\`: ${typeText(schema)}`,
	);
	const responses = Object.entries(operation.responses ?? {}).map(([status, response]) => {
		const { description, content } = resolve(document, response as oas31.ResponseObject);
		const [shape] = Object.values((content ?? {}) as oas31.ContentObject);
		const schema = shape?.schema && 'allOf' in shape.schema ? shape.schema.allOf?.[0] : shape?.schema;
		return `- ${status}: ${schema ? `${typeText(schema)}. ` : ''}${description?.replaceAll('\n\n', ' ')}`;
	});
	return [
		`### ${title(operation)}`,
		`${operation.summary}. ${operation.description}`,
		[...parameters, ...bodies].join('\n'),
		`Responses:\n\n${responses.join('\n')}`,
	]
		.filter((part) => part !== '')
		.join('\n\n');
}

/** Follows a reference into the document's components. */
function resolve<T extends object>(document: Document, item: T | oas31.ReferenceObject): T {
	if (!('$ref' in item) || typeof item.$ref !== 'string') return item as T;
	const [, , kind = '', name = ''] = item.$ref.split('/');
	const components = (document.components ?? {}) as Record<string, Record<string, T> | undefined>;
	const found = components[kind]?.[name];
	if (!found) throw new RangeError(`the document has no ${item.$ref}`);
	return found;
}

const schemaDescription = (schema: Schema | undefined): string =>
	schema && 'description' in schema ? (schema.description ?? '') : '';

/** A type in a few words, such as "string, at most 255 characters". */
function typeText(schema: Schema | undefined): string {
	if (!schema) return 'anything';
	if ('$ref' in schema && schema.$ref) return schema.$ref.split('/').at(-1) ?? '';
	const {
		type,
		enum: values,
		const: constant,
		items,
		anyOf,
		oneOf,
		...limits
	} = schema as oas31.SchemaObject;
	if (values) return values.map((value) => `\`${value}\``).join(' | ');
	if (constant !== undefined) return `\`${JSON.stringify(constant)}\``;
	const alternatives = anyOf ?? oneOf;
	if (alternatives) return alternatives.map(typeText).join(' or ');
	if (items) return `array of ${typeText(items)}`;
	const words = [Array.isArray(type) ? type.join(' or ') : (type ?? 'anything')];
	if (limits.minLength !== undefined) words.push(`at least ${limits.minLength} character`);
	if (limits.maxLength !== undefined) words.push(`at most ${limits.maxLength} characters`);
	if (limits.minimum !== undefined) words.push(`from ${limits.minimum}`);
	if (limits.maximum !== undefined) words.push(`to ${limits.maximum}`);
	if (limits.default !== undefined) words.push(`default ${JSON.stringify(limits.default)}`);
	return words.join(', ');
}

function schemaText(schema: Schema): string {
	if (!('properties' in schema)) return typeText(schema);
	const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
		const flag = schema.required?.includes(name) ? '' : ', optional';
		return `- \`${name}\`${flag}: ${typeText(field)}. ${schemaDescription(field)}`.trim();
	});
	const [example] = schema.examples ?? [];
	const shown = example === undefined ? '' : `\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``;
	return fields.join('\n') + shown;
}

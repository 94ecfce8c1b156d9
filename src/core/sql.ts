import template, {
	join as joinParts,
	raw as rawText,
	type Sql as Template,
	empty as templateOfNothing,
} from 'sql-template-tag';

/** A statement or a part of one. It carries its own bound values. */
export type Sql = Template;

/**
 * Makes a statement or a part of one. Every `${value}` becomes a bound parameter, and every `${part}` is inserted with its
 * parameters.
 *
 * @example
 * sql`SELECT version FROM sessions WHERE ${ownSession(reference)} AND version < ${version}`
 */
export const sql = (
	strings: TemplateStringsArray,
	...values: readonly (string | number | null | Sql)[]
): Sql => template(strings, ...values);

/** Joins parts with a separator. There must be at least one part. */
export const join = (parts: readonly Sql[], separator = ', '): Sql => joinParts(parts, separator);

/** Joins parts without a separator. There may be none. */
export const concat = (parts: readonly Sql[]): Sql => (parts.length === 0 ? nothing : joinParts(parts, ''));

/** Text that is inserted as it is: a constant of the code, such as the name of a column. Never pass what a caller sent. */
export const raw = (constant: string | number): Sql => rawText(String(constant));

/**
 * Whether a value, as text, is in a list of texts without a comma. The list is one parameter, because D1 binds at most 100, and not
 * rows of json_each, because D1 bills those as rows read.
 */
export const isListed = (value: Sql, list: readonly (string | number)[]): Sql =>
	sql`instr(${`,${list.join(',')},`}, ',' || ${value} || ',') > 0`;

const asides = new WeakSet<Sql>();

/** Marks a statement that a store sends along for another folder. The store gets no result of it: see `Databases.owed`. */
export function aside(statement: Sql): Sql {
	asides.add(statement);
	return statement;
}

export const isAside = (statement: Sql): boolean => asides.has(statement);

/** A part with no text. */
export const nothing: Sql = templateOfNothing;

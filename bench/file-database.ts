import { DatabaseSync } from 'node:sqlite';
import type { Database, RowsOf } from '../src/core/database.ts';
import { isAside, type Sql } from '../src/core/sql.ts';

/** A database in a file, without the way to a D1 database, which takes longer than most statements. */
export interface FileDatabase {
	db: Database;
	/** The size of the file in bytes. */
	size(): number;
	close(): void;
}

/** The processor time of this thread in milliseconds. */
function processorTime(): number {
	// Linux counts the time of a thread up to its last tick. To ask for that of the process makes it count up to now.
	process.cpuUsage();
	const { user, system } = process.threadCpuUsage();
	return (user + system) / 1000;
}

/** `onStatement` gets each statement that has run, and the processor time that it took, in milliseconds. */
export function openFile(
	path: string,
	onStatement: (statement: Sql, milliseconds: number) => void = () => {},
): FileDatabase {
	const file = new DatabaseSync(path);
	// What the disk does is not measured.
	file.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON');
	const isQuery = (text: string) => /^\s*(SELECT|WITH)\b|\bRETURNING\b/.test(text);
	function resultOf(statement: Sql): { rows: unknown[]; changes: number } {
		const values = statement.values as (string | number | null)[];
		const before = processorTime();
		const prepared = file.prepare(statement.sql);
		const rows = isQuery(statement.sql) ? prepared.all(...values) : [];
		const changes = isQuery(statement.sql) ? rows.length : Number(prepared.run(...values).changes);
		onStatement(statement, processorTime() - before);
		return { rows, changes };
	}
	function inTransaction(statements: readonly Sql[]) {
		file.exec('BEGIN');
		const results = statements.map(resultOf);
		file.exec('COMMIT');
		// As a D1 database leaves them out too.
		return results.filter((_, at) => !isAside(statements[at] as Sql));
	}
	const all = async <Row>(statement: Sql) => inTransaction([statement])[0]?.rows as Row[];
	const db: Database = {
		all,
		first: async <Row>(statement: Sql) => (await all<Row>(statement))[0],
		run: async <Rows extends readonly unknown[]>(statements: readonly Sql[]) =>
			inTransaction(statements).map(({ rows }) => rows) as RowsOf<Rows>,
		change: async (statements) => inTransaction(statements).map(({ changes }) => changes),
		bookmark: () => null,
	};
	const pages = file.prepare(
		'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
	);
	return { db, size: () => Number(pages.get()?.bytes), close: () => file.close() };
}

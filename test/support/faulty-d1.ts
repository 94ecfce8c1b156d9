import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { app } from '../../src/app.ts';
import type { Bindings } from '../../src/env.ts';
import type { Fetcher } from './api.ts';

/** What goes wrong with a trip to D1: its message, and whether the statements were run all the same. */
export interface Fault {
	message: string;
	when: 'before' | 'after';
}

/** A D1 binding that fails on purpose. */
export interface FaultyD1 {
	d1: D1Database;
	/** The next trips fail like this, one each; null lets a trip through. */
	next: (Fault | null)[];
	/** How many trips there were. */
	trips: number;
	/** The SQL of each trip. */
	sql: string[][];
}

/** Wraps the real D1, so that trips can fail before or after their work was done. */
export function faultyD1(real: D1Database = env.DB): FaultyD1 {
	const faulty: FaultyD1 = { d1: real, next: [], trips: 0, sql: [] };

	async function trip<T>(sql: string[], work: () => Promise<T>): Promise<T> {
		faulty.trips += 1;
		faulty.sql.push(sql);
		const fault = faulty.next.shift();
		if (fault?.when === 'before') throw new Error(fault.message);
		const result = await work();
		if (fault?.when === 'after') throw new Error(fault.message);
		return result;
	}

	const sqlOf = new WeakMap<D1PreparedStatement, string>();
	const wrapStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
		sqlOf.set(statement, sql);
		return new Proxy(statement, {
			get(target, name) {
				if (name === 'bind') return (...values: unknown[]) => wrapStatement(target.bind(...values), sql);
				if (name === 'all') return () => trip([sql], () => target.all());
				if (name === 'unwrapped') return target;
				return Reflect.get(target, name);
			},
		});
	};
	const wrapSession = (session: D1DatabaseSession): D1DatabaseSession =>
		({
			prepare: (sql: string) => wrapStatement(session.prepare(sql), sql),
			batch: (statements: (D1PreparedStatement & { unwrapped: D1PreparedStatement })[]) => {
				const inner = statements.map(({ unwrapped }) => unwrapped);
				return trip(
					inner.map((statement) => sqlOf.get(statement) ?? ''),
					() => session.batch(inner),
				);
			},
			getBookmark: () => session.getBookmark(),
		}) as D1DatabaseSession;

	faulty.d1 = { withSession: (from?: string) => wrapSession(real.withSession(from)) } as D1Database;
	return faulty;
}

/** The service with other bindings than the usual ones. */
export function serviceWith(bindings: Partial<Bindings>): Fetcher {
	const other = { ...env, ...bindings };
	return async (request) => {
		const context = createExecutionContext();
		const response = await app.fetch(request, other, context);
		await waitOnExecutionContext(context);
		return response;
	};
}

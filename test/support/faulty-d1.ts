import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { app } from '../../src/app.ts';
import type { Bindings } from '../../src/core/settings.ts';
import type { Fetcher } from './api.ts';
import { type OpenedSession, wrappedD1 } from './wrapped-d1.ts';

/** A failure of a round trip to D1: its message, and whether it happens before or after the statements ran. */
interface Fault {
	message: string;
	when: 'before' | 'after';
}

/** A D1 binding that fails on purpose. */
export interface FaultyD1 {
	d1: D1Database;
	/** The failures of the next round trips, one each. A null lets the round trip succeed. */
	next: (Fault | null)[];
	/** The number of round trips. */
	trips: number;
	/** The SQL of each round trip. */
	sql: string[][];
	/** The D1 session of each round trip. */
	sessions: OpenedSession[];
}

/** Wraps a real D1. Its round trips can fail before or after their statements ran. */
export function faultyD1(real: D1Database = env.DB): FaultyD1 {
	const faulty: FaultyD1 = { d1: real, next: [], trips: 0, sql: [], sessions: [] };
	faulty.d1 = wrappedD1(real, async (statements, work, session) => {
		faulty.trips += 1;
		faulty.sql.push(statements.map(({ sql }) => sql));
		faulty.sessions.push(session);
		const fault = faulty.next.shift();
		if (fault?.when === 'before') throw new Error(fault.message);
		const results = await work();
		if (fault?.when === 'after') throw new Error(fault.message);
		return results;
	});
	return faulty;
}

/** The service with different bindings. */
export function serviceWith(bindings: Partial<Bindings>): Fetcher {
	const other = { ...env, ...bindings };
	return async (request) => {
		const context = createExecutionContext();
		const response = await app.fetch(request, other, context);
		// A body that is not read does not end, and the work after it does not begin.
		const [body, copy] = response.body?.tee() ?? [null, null];
		await Promise.all([copy?.pipeTo(new WritableStream()).catch(() => {}), waitOnExecutionContext(context)]);
		return new Response(body, response);
	};
}

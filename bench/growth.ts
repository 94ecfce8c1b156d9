import type { Contender, Cost } from './contenders.ts';
import { costOf } from './costs.ts';
import { insertEvents, insertSessions, OWNER, sessionId } from './seed.ts';

const PATH = '/v1/products/generation/sessions';
/** The caller's share of a database with more than one session. */
const OWN_PART = 0.1;
const AT_ONCE = 20_000;

/** The cost of the calls at one number of sessions in the database, and one number of events in the session. */
export interface GrowthStep {
	sessions: number;
	own: number;
	events: number;
	costs: Record<string, Cost>;
	databaseBytes: number;
}

/** The number of sessions in the database. */
export const SIZES = [1, 1000, 1_000_000] as const;
export const EVENT_COUNTS = [10, 10_000] as const;

/** Measures with 1 session, then 1,000, and so on. The database must be empty. */
export async function growth(
	service: Contender,
	sizes: readonly number[],
	progress: (text: string) => void,
): Promise<GrowthStep[]> {
	const steps: GrowthStep[] = [];
	let [filled, own] = [0, 0];
	// The measured sessions are separate from those that fill the database, at its end.
	let next = 2_000_000;
	for (const size of sizes) {
		const wanted = size === 1 ? 1 : Math.round(size * OWN_PART);
		while (filled < size) {
			const [count, owner] =
				own < wanted
					? [Math.min(AT_ONCE, wanted - own), OWNER]
					: [Math.min(AT_ONCE, size - filled), `user_${filled}`];
			await insertSessions(service.d1, {
				from: filled + 1,
				count,
				owner,
				plan: '{"steps":["outline","build"]}',
			});
			filled += count;
			if (owner === OWNER) own += count;
			progress(`growth: ${filled.toLocaleString('en')} of ${size.toLocaleString('en')} sessions`);
		}
		for (const events of EVENT_COUNTS) {
			const costs = await costsWith(service, next, events, own);
			next += 10;
			const { meta } = await service.d1.prepare('SELECT 1').run();
			steps.push({ sessions: size, own, events, costs, databaseBytes: meta.size_after });
		}
	}
	return steps;
}

async function costsWith(service: Contender, n: number, events: number, own: number) {
	const rows = { sessions: { from: n, count: 1 }, from: 1, count: events };
	await insertSessions(service.d1, { from: n, count: 1, owner: OWNER, plan: '{"steps":[]}' });
	await insertEvents(service.d1, rows);
	const path = `${PATH}/${sessionId(n)}`;
	const json = (value: unknown) => JSON.stringify(value);
	// The first call looks up the key.
	await costOf(service, { method: 'GET', path: `${PATH}?limit=1` });
	const costs = {
		create: await costOf(service, { method: 'POST', path: PATH, body: json({ prd: { title: 'x' } }) }),
		update: await costOf(service, { method: 'PATCH', path, body: json({ plan: { steps: [1] } }) }),
		'update of status': await costOf(service, {
			method: 'PATCH',
			path,
			body: json({ status: 'generating' }),
		}),
		append: await costOf(service, { method: 'POST', path: `${path}/events`, body: json({ type: 'note' }) }),
		details: await costOf(service, { method: 'GET', path }),
		'events page of 100': await costOf(service, { method: 'GET', path: `${path}/events?limit=100` }),
		list: await costOf(service, { method: 'GET', path: `${PATH}?limit=20` }),
		'list, last page': await costOf(service, {
			method: 'GET',
			path: `${PATH}?limit=20&offset=${Math.max(0, own - 20)}`,
		}),
		'list, 100 by place': await costOf(service, {
			method: 'GET',
			path: `${PATH}?limit=100&after=${sessionId(Math.min(own, 101))}`,
		}),
		delete: await costOf(service, { method: 'DELETE', path }),
	};
	// Remaining sessions would count in the next lists.
	await service.d1.batch([
		service.d1.prepare('DELETE FROM events'),
		service.d1.prepare(`DELETE FROM sessions WHERE id = ? OR created_at > '2026-06-01'`).bind(sessionId(n)),
	]);
	return costs;
}

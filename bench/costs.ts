import { type Call, calls } from './calls.ts';
import type { Contender, Cost } from './contenders.ts';
import { addDeletable, restore } from './seed.ts';

/** Sends one request to the service, and returns the cost in its log line. */
export async function costOf(
	service: Contender,
	request: { method: string; path: string; body?: string | undefined },
): Promise<Cost> {
	const logged = new Promise<Cost>((resolve) => {
		service.onCost = resolve;
	});
	const response = await fetch(service.url + request.path, {
		method: request.method,
		headers: { Authorization: `Bearer ${service.key}`, 'Content-Type': 'application/json' },
		body: request.body ?? null,
	});
	const text = await response.text();
	if (!response.ok) throw new Error(`${request.method} ${request.path}: ${response.status} ${text}`);
	const cost = await logged;
	service.onCost = undefined;
	return cost;
}

/** The exact cost of each call with a cached key, and of a call whose key is not cached. */
export async function costsOf(service: Contender): Promise<{ unknownKey: Cost; known: Map<Call, Cost> }> {
	const list = { method: 'GET', path: '/v1/products/generation/sessions' };
	const unknownKey = await costOf(service, list);
	const known = new Map<Call, Cost>();
	for (const call of calls) {
		if (call.endpoint === 'delete') await addDeletable(service.d1);
		known.set(call, await costOf(service, { ...call, path: call.path(0) }));
		await restore(service.d1);
	}
	return { unknownKey, known };
}

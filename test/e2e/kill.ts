import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { withFolder } from '../support/server.ts';
import { type DevServer, freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';
const WRITERS = 6;

interface Acknowledged {
	events: Map<string, number>;
	members: Map<string, number>;
	steps: Set<string>;
}

interface StoredEvent {
	id: string;
	type: string;
	payload: { n: number; fill: string };
}

/** The number of events in each step of the test. */
const EVENTS_OF_STEP = 3;

/** Writes without a pause until the server is killed, and records the acknowledged writes. */
async function write(
	base: string,
	key: string,
	id: string,
	writer: string,
	acknowledged: Acknowledged,
): Promise<void> {
	const send = (method: string, path: string, type: string, body: unknown) =>
		fetch(`${base}${SESSIONS}/${id}${path}`, {
			method,
			headers: { Authorization: key, 'Content-Type': type },
			body: JSON.stringify(body),
		});
	for (let n = 0; ; n += 1) {
		try {
			const event = await send('POST', '/events', 'application/json', {
				type: writer,
				payload: { n, fill: 'x'.repeat(500) },
			});
			if (event.status === 201) acknowledged.events.set(((await event.json()) as { id: string }).id, n);
			const member = `${writer}-${n}`;
			const merged = await send('PATCH', '', 'application/merge-patch+json', {
				assemblyState: { [member]: n },
			});
			await merged.arrayBuffer();
			if (merged.status === 200) acknowledged.members.set(member, n);
			const name = `step-${member}`;
			const happened = { type: name, payload: { n, fill: 'x'.repeat(500) } };
			const step = await send('POST', '/steps', 'application/json', {
				events: Array.from({ length: EVENTS_OF_STEP }, () => happened),
				patch: { plan: { [name]: n } },
			});
			await step.arrayBuffer();
			if (step.status === 201) acknowledged.steps.add(name);
		} catch {
			return; // The server was killed. It did not acknowledge the pending request.
		}
	}
}

async function storedEvents(base: string, key: string, id: string): Promise<Map<string, StoredEvent>> {
	const stored = new Map<string, StoredEvent>();
	let after = '';
	for (let more = true; more; ) {
		const response = await fetch(`${base}${SESSIONS}/${id}/events?limit=1000${after}`, {
			headers: { Authorization: key },
		});
		const page = (await response.json()) as { data: StoredEvent[]; hasMore: boolean };
		for (const event of page.data) stored.set(event.id, event);
		after = `&after=${page.data.at(-1)?.id}`;
		more = page.hasMore;
	}
	return stored;
}

/** Expects that no step is stored in part: it has all of its events and its change, or none of them. */
function expectWholeSteps(
	events: readonly StoredEvent[],
	changed: string[],
	acknowledged: Set<string>,
): void {
	const ofSteps = events.map(({ type }) => type).filter((type) => type.startsWith('step-'));
	const happened = [...new Set(ofSteps)];
	expect(ofSteps.toSorted()).toEqual(happened.flatMap((name) => Array(EVENTS_OF_STEP).fill(name)).toSorted());
	expect(happened.toSorted()).toEqual(changed.toSorted());
	expect(happened).toEqual(expect.arrayContaining([...acknowledged]));
}

/** Kills a server in the middle of writes, and expects every acknowledged write in full after its restart. */
export const expectWritesToSurviveKills = (rounds: number): Promise<void> =>
	withFolder(async (folder) => {
		const key = await prepareFolder(folder, 'user_kill');
		// Another test may take the old port while it is free, so use a new one each time.
		let server: DevServer = await startDev(folder, await freePort());
		const created = await fetch(server.url + SESSIONS, { method: 'POST', headers: { Authorization: key } });
		const { id } = (await created.json()) as { id: string };
		const acknowledged: Acknowledged = { events: new Map(), members: new Map(), steps: new Set() };
		try {
			for (let round = 0; round < rounds; round += 1) {
				const { url } = server;
				const writers = Array.from({ length: WRITERS }, (_, w) =>
					write(url, key, id, `r${round}w${w}`, acknowledged),
				);
				// A loaded machine takes longer to start writing.
				const enough = acknowledged.steps.size + 2;
				while (acknowledged.steps.size < enough) await setTimeout(10);
				await setTimeout(Math.random() * 400);
				await server.kill();
				await Promise.all(writers);
				server = await startDev(folder, await freePort());
				const events = await storedEvents(server.url, key, id);
				for (const [eventId, n] of acknowledged.events) {
					expect(events.get(eventId)?.payload).toEqual({ n, fill: 'x'.repeat(500) });
				}
				const details = await fetch(`${server.url}${SESSIONS}/${id}`, { headers: { Authorization: key } });
				const { assemblyState, plan } = (await details.json()) as Record<
					'assemblyState' | 'plan',
					Record<string, number> | null
				>;
				for (const [member, n] of acknowledged.members) expect(assemblyState?.[member]).toBe(n);
				expectWholeSteps([...events.values()], Object.keys(plan ?? {}), acknowledged.steps);
			}
		} finally {
			await server.kill();
		}
		expect(acknowledged.events.size).toBeGreaterThan(rounds);
		expect(acknowledged.members.size).toBeGreaterThan(rounds);
		expect(acknowledged.steps.size).toBeGreaterThan(rounds);
	});

import type { AppendEvent, Client } from '../../src/client/client.ts';

/** Waits: a test may wait less than a person who watches. */
export type Pause = (milliseconds: number) => Promise<void>;
export const pause: Pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const STACK = `TypeError: Cannot read properties of undefined (reading 'secret')
    at sign (webhooks/sign.ts:18:24)
    at deliver (webhooks/deliver.ts:41:11)
    at async run (worker.ts:77:3)`;

/**
 * A generator that does what real ones do: modules at the same time, a call that takes too long, a failure and another attempt.
 * It leaves the session in `generating`, with one module at work.
 */
export async function generate(client: Client, wait: Pause = pause): Promise<string> {
	const { id } = await client.create({
		prd: { title: 'Bicycle shop', audience: ['riders', 'mechanics'], price: 12.5 },
	});
	const tell = (type: string, stage: string, more: Partial<AppendEvent> = {}) =>
		client.append(id, { type, stage, ...more });
	await tell('prd.received', 'intake', { message: 'Two pages, in English.' });
	await wait(60);
	await tell('prd.accepted', 'intake');
	await client.step(id, {
		events: [{ type: 'plan.started', stage: 'planning' }],
		patch: { status: 'generating' },
	});
	await wait(250);
	await client.step(id, {
		events: [{ type: 'plan.finished', stage: 'planning', payload: { steps: 8 } }],
		patch: {
			plan: { modules: Object.fromEntries(MODULES.map((name) => [name, { state: 'queued' }])) },
			assemblyState: { progress: { built: 0, of: MODULES.length } },
		},
	});
	await Promise.all(MODULES.map((name, index) => build(client, id, name, index, wait)));
	await tell('module.started', 'build:search', { payload: { attempt: 1 } });
	await tell('llm.call.started', 'build:search', { message: 'Index the catalogue.' });
	return id;
}

const MODULES = ['auth', 'billing', 'catalogue', 'webhooks', 'inbox', 'reports'];

async function build(client: Client, id: string, name: string, index: number, wait: Pause): Promise<void> {
	const stage = `build:${name}`;
	const merge = (state: string) => client.merge(id, { plan: { modules: { [name]: { state } } } });
	await wait(30 * index);
	await client.append(id, { type: 'module.started', stage, payload: { attempt: 1 } });
	await merge('building');
	for (let call = 1; call <= 3; call += 1) {
		await client.append(id, { type: 'llm.call.started', stage, message: `Write part ${call} of ${name}.` });
		await wait(name === 'inbox' && call === 2 ? 900 : 90 + 25 * index);
		await client.append(id, {
			type: 'llm.call.finished',
			stage,
			payload: { tokens: 1200 + call * 37, cost: 0.0125 },
		});
	}
	if (name === 'webhooks') {
		await client.append(id, {
			type: 'module.failed',
			stage,
			message: 'The tests of the module failed.',
			payload: {
				error: { name: 'TypeError', message: "Cannot read properties of undefined (reading 'secret')" },
				stack: STACK,
			},
		});
		await merge('failed');
		await wait(300);
		await client.append(id, { type: 'module.started', stage, payload: { attempt: 2 } });
		await wait(350);
	}
	await client.append(id, { type: 'module.built', stage, message: `${name} is built.` });
	await merge('built');
}

/** Texts that would break a page which trusts them. */
export const HOSTILE = {
	html: '<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>',
	reordered: '\u202edetrevni\u202c \u200bhidden',
	rightToLeft: 'שלום עולם, זה ארוך מאוד ולכן הוא נחתך בסוף ולא בהתחלה',
	lines: 'one\ntwo\nthree',
};

/** Forty stages, and texts that are hostile. */
export async function generateManyStages(client: Client, stages = 40): Promise<string> {
	const { id } = await client.create({ prd: { title: `${HOSTILE.rightToLeft}` } });
	const events = Array.from({ length: stages }, (_, index) => {
		const stage = `build:module-with-a-long-name-${String(index).padStart(2, '0')}`;
		return [
			{ type: 'module.started', stage },
			{ type: 'module.progress', stage, message: Object.values(HOSTILE)[index % 4] },
			...(index % 3 === 0 ? [] : [{ type: 'module.built', stage }]),
		];
	}).flat();
	for (let at = 0; at < events.length; at += 10) {
		await client.step(id, { events: events.slice(at, at + 10) });
		await pause(20);
	}
	return id;
}

/** So many events in quick succession. */
export async function flood(client: Client, id: string, count: number, payload: object = {}): Promise<void> {
	for (let done = 0; done < count; done += 100) {
		const events = Array.from({ length: Math.min(100, count - done) }, (_, index) => ({
			type: index % 10 === 0 ? 'tool.call.finished' : 'token.batch',
			stage: `stage ${Math.floor((done + index) / 3000)}`,
			message: `message ${done + index}.`,
			payload,
		}));
		await client.step(id, { events });
	}
}

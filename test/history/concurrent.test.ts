import { expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const WRITERS = 8;
const CHANGES = 25;

/** Lehmer's generator: any pseudorandom numbers are good enough here. */
function randomFrom(seed: number): (sides: number) => number {
	let state = seed;
	return (sides) => {
		state = (state * 48_271) % 2_147_483_647;
		return state % sides;
	};
}

/** Makes one change, and returns the session in the response with its ETag. */
async function change(caller: Caller, id: string, name: string, roll: (sides: number) => number) {
	const [writer = ''] = name.split('-');
	const path = `${SESSIONS}/${id}`;
	const patch = [
		{ plan: { last: name, [writer]: { [`k${roll(5)}`]: name } } },
		{ plan: { last: null, [`${writer}_${roll(3)}`]: null }, status: 'generating' },
		{ productObject: { last: name, [writer]: roll(100) } },
		{ assemblyState: { [writer]: { é: '😀'.repeat(roll(3)) }, last: name }, status: 'assembling' },
		{ prd: null, plan: { text: 'x'.repeat(roll(2000)) } },
	][roll(5)];
	const way = roll(4);
	if (way === 0) {
		const body = { plan: { replaced: name, text: 'y'.repeat(roll(3000)) }, prd: { [name]: 1 } };
		const { status, headers, text } = await caller.call('PATCH', path, { body });
		return { status, etag: headers.get('ETag'), text };
	}
	if (way === 1) {
		const { status, headers, text } = await caller.call('POST', `${path}/steps`, {
			body: { events: [{ type: 'a' }, { type: name }], patch },
		});
		const session = /"session":(.*)\}$/s.exec(text)?.[1] ?? '';
		return { status, etag: headers.get('ETag'), text: session };
	}
	const { status, headers, text } = await caller.call('PATCH', path, { body: patch, headers: MERGE });
	return { status, etag: headers.get('ETag'), text };
}

it('each version of many concurrent writers is what its writer was answered', async () => {
	const caller = await newCaller();
	const { id } = await caller.create({ prd: { text: 'p'.repeat(900) } });
	const answered = new Map<string | null, string>();
	await Promise.all(
		Array.from({ length: WRITERS }, async (_, writer) => {
			const roll = randomFrom(1000 + writer);
			for (let n = 0; n < CHANGES; n += 1) {
				const { status, etag, text } = await change(caller, id, `w${writer}-${n}`, roll);
				expect([200, 201]).toContain(status);
				answered.set(etag, text);
			}
		}),
	);
	expect(answered.size).toBe(WRITERS * CHANGES);
	let read = 0;
	for (let version = 2; version <= WRITERS * CHANGES + 1; version += 1) {
		const past = await caller.call('GET', `${SESSIONS}/${id}?version=${version}`);
		const events = past.json.events as { type: string }[];
		expect(past.text.replace(/"events":\[.*?\],"expiresAt"/s, '"expiresAt"')).toBe(
			answered.get(`"${version}"`),
		);
		expect(events.length).toBeGreaterThanOrEqual(read);
		read = events.length;
	}
});

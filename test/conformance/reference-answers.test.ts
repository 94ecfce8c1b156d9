import { describe, expect, it } from 'vitest';
import { type Answer, callerWith, newCaller, SESSIONS, send } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { type CallName, differences, differencesFromError, facts } from '../support/reference-facts.ts';

const names = Object.keys(facts.calls) as CallName[];

/** Sends a call of the document for a session, with the example of the document if it has one. */
async function sent(caller: Awaited<ReturnType<typeof newCaller>>, name: CallName, id: string) {
	const [method = '', path = ''] = facts.calls[name].request.split(' ');
	const { example } = facts.calls[name] as { example?: object };
	return caller.call(method, path.replace('{id}', id), example ? { body: example } : {});
}

/** Fails unless a response is one that the document has for the call. */
function expectAnswer(name: CallName, status: number, answer: Answer): void {
	expect([name, answer.status, differences(name, status, answer.json)]).toEqual([name, status, []]);
}

const successOf = (name: CallName) =>
	Number(Object.keys(facts.calls[name].answers).find((status) => status.startsWith('2')));
const namesWith = (status: number) =>
	names.filter((name) => Object.hasOwn(facts.calls[name].answers, String(status)));

describe('the answers of the six calls, by the document of the reference', () => {
	it.each(names)('%s: a success, with nothing stored and with everything', async (name) => {
		const caller = await newCaller({ organizationId: 'org_1' });
		const { id } = await caller.create();
		expectAnswer(name, successOf(name), await sent(caller, name, id));
		const full = await caller.create({ ...facts.calls.create.example });
		await caller.call('PATCH', `${SESSIONS}/${full.id}`, {
			body: { ...facts.calls.update.example, assemblyState: { a: [1] }, productObject: { b: null } },
		});
		await caller.append(full.id, facts.calls.append.example);
		await caller.append(full.id, { type: 't' });
		expectAnswer(name, successOf(name), await sent(caller, name, full.id));
	});

	it.each(['create', 'update'] as const)(
		'%s: a success without a body, which the document does not require',
		async (name) => {
			expect(facts.calls[name].bodyIsRequired).toBe(false);
			const caller = await newCaller();
			const { id } = await caller.create();
			const [method = '', path = ''] = facts.calls[name].request.split(' ');
			expectAnswer(name, successOf(name), await caller.call(method, path.replace('{id}', id)));
		},
	);

	it('update: each status of the document, which are those of the service', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const status of facts.$defs.status.enum) {
			const answer = await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status } });
			expectAnswer('update', 200, answer);
			expect(answer.json.status).toBe(status);
		}
	});

	it('list: any text as the status, and a limit above the maximum', async () => {
		const caller = await newCaller();
		await caller.create();
		for (const query of ['?status=any', '?status=', '?limit=1000', '?limit=100&offset=1000']) {
			expectAnswer('list', 200, await caller.call('GET', SESSIONS + query));
		}
	});

	it.each(namesWith(401))('%s: 401', async (name) => {
		const owner = await newCaller();
		const { id } = await owner.create();
		for (const key of ['', `rt_test_${'0'.repeat(72)}`]) {
			expectAnswer(name, 401, await sent(callerWith(key, owner), name, id));
		}
	});

	it.each(namesWith(403))('%s: 403', async (name) => {
		const reader = await newCaller({ permissions: ['PRODUCTS:READ'] });
		const writer = await newCaller({ userId: reader.userId });
		expectAnswer(name, 403, await sent(reader, name, (await writer.create()).id));
	});

	it.each(namesWith(404))('%s: 404', async (name) => {
		const caller = await newCaller();
		for (const id of ['sess_01k2vxq8f3e7ttyyds0t6w2h4b', 'anything']) {
			expectAnswer(name, 404, await sent(caller, name, id));
		}
	});

	it.each(namesWith(500))('%s: 500', async (name) => {
		const faulty = faultyD1();
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
		const { id } = await caller.create();
		faulty.next = [{ message: 'D1_ERROR: near "x": syntax error', when: 'before' }];
		expectAnswer(name, 500, await sent(caller, name, id));
	});

	it('are not documented otherwise, but every further error has the same shape', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}`;
		const answers = [
			await caller.call('PATCH', path, { body: { status: 'nonsense', plan: 1 } }),
			await caller.call('POST', `${path}/events`, { body: {} }),
			await caller.call('GET', `${SESSIONS}?limit=x`),
			await caller.call('PATCH', path, { raw: '{', headers: { 'Content-Type': 'application/json' } }),
			await caller.call('PATCH', path, { raw: 'a', headers: { 'Content-Type': 'text/plain' } }),
			await caller.call('PATCH', path, { body: {}, headers: { 'If-Match': '"9"' } }),
			await caller.call('PATCH', path, { body: { plan: { a: 'x'.repeat(400_000) } } }),
			await caller.call('PUT', path, { body: {} }),
			await send('/nothing'),
		];
		expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 415, 412, 413, 405, 404]);
		for (const { status, json } of answers)
			expect([status, differencesFromError(json)]).toEqual([status, []]);
		const codes = answers.flatMap(({ json }) =>
			((json.details as { code: string }[]) ?? []).map(({ code }) => code),
		);
		expect(codes).toEqual(expect.arrayContaining(facts.validationCodesNamedByTheReference));
	});
});

describe('the check of answers against the facts', () => {
	it('finds what is missing, and what has another type', async () => {
		const session = await (await newCaller()).create();
		const { plan: _, ...rest } = session;
		expect(differences('create', 201, session)).toEqual([]);
		expect(differences('create', 201, rest)).not.toEqual([]);
		expect(differences('create', 201, { ...session, status: 'completed' })).not.toEqual([]);
		expect(differences('details', 200, session)).not.toEqual([]);
		expect(differences('details', 200, { ...session, events: [{}] })).not.toEqual([]);
		expect(
			differences('list', 200, { data: [rest], pagination: { total: 1, limit: 1, offset: 0 } }),
		).not.toEqual([]);
		expect(differences('delete', 200, { success: 'yes' })).not.toEqual([]);
		expect(differencesFromError({ error: 'No.', details: [{ path: 'a' }] })).not.toEqual([]);
	});
});

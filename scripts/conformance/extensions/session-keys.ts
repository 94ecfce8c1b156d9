import { needing, type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue, type JsonObject } from '../expect.ts';

/** Makes a key for a session. The key ends with the session. */
async function keyFor({ send }: Probe, id: string, body: unknown = {}) {
	const answer = await send('POST', { path: `${pathOf(id)}/keys`, body });
	const { expiresAt, id: keyId, key } = expectStatus(answer, 201);
	for (const value of [expiresAt, keyId, key]) {
		expectTrue(
			typeof value === 'string' && value !== '',
			`${answer.request}: expiresAt, id or key is no text`,
		);
	}
	return { expiresAt: String(expiresAt), keyId: String(keyId), authorization: `Bearer ${key}` };
}

/** Keys for one session. */
export const sessionKeysChecks = [
	writing(
		'session-keys.life',
		'extensions: session-keys.life',
		'a key has the life that was requested, and never a longer one than the session',
		async (probe) => {
			const id = await probe.create();
			const { createdAt, expiresAt: end } = expectStatus(await probe.send('GET', { path: pathOf(id) }), 200);
			const life = Date.parse((await keyFor(probe, id, { expiresInSeconds: 60 })).expiresAt);
			const latest = Date.parse(String(createdAt)) + 60_000 + probe.server.timeout;
			expectTrue(life <= latest, 'the key lives longer than the 60 s that were requested');
			const { expiresAt } = await keyFor(probe, id);
			expectTrue(Date.parse(expiresAt) <= Date.parse(String(end)), 'the key outlives the session');
			for (const expiresInSeconds of [59, 86_401, '60']) {
				const body = { expiresInSeconds };
				const answer = await probe.send('POST', { path: `${pathOf(id)}/keys`, body });
				expectError(answer, 400, 'VALIDATION_ERROR');
			}
		},
	),

	writing(
		'session-keys.reads',
		'extensions: session-keys.reads',
		'a key reads its session',
		async (probe) => {
			const id = await probe.create();
			const { authorization } = await keyFor(probe, id);
			const path = pathOf(id);
			expectEqual(expectStatus(await probe.send('GET', { path, authorization }), 200).id, id, 'id');
		},
	),

	needing(
		['following'],
		writing(
			'session-keys.follows',
			'extensions: session-keys.reads',
			'a key follows its session',
			async (probe) => {
				const id = await probe.create();
				const { authorization } = await keyFor(probe, id);
				const stream = await probe.follow(id, { authorization });
				expectEqual((await stream.next())?.event, 'session', 'the first frame');
			},
		),
	),

	writing(
		'session-keys.confined',
		'extensions: session-keys.confined',
		'a key does nothing else',
		async (probe) => {
			const [id, other] = [await probe.create(), await probe.create()];
			const { authorization } = await keyFor(probe, id);
			const call = async (method: string, path: string, body?: unknown) =>
				probe.remember(await probe.send(method, { path, authorization, ...(body ? { body } : {}) }));
			const path = pathOf(id);
			expectError(await call('GET', pathOf(other)), 404, 'SESSION_NOT_FOUND');
			expectError(await call('GET', ''), 403, 'FORBIDDEN');
			expectError(await call('POST', '', {}), 403, 'FORBIDDEN');
			expectError(await call('PATCH', path, { status: 'failed' }), 403, 'FORBIDDEN');
			expectError(await call('POST', `${path}/events`, { type: 'note' }), 403, 'FORBIDDEN');
			expectError(await call('POST', `${path}/keys`, {}), 403, 'FORBIDDEN');
			expectError(await call('DELETE', path), 403, 'FORBIDDEN');
			const { status, events } = expectStatus(await probe.send('GET', { path }), 200);
			expectEqual([status, events], ['intake', []], 'status, events');
		},
	),

	writing(
		'session-keys.appends',
		'extensions: session-keys.appends',
		'a key with append appends events of these types, and no others',
		async (probe) => {
			const id = await probe.create();
			const { authorization } = await keyFor(probe, id, { append: ['input.*', 'approved'] });
			const path = `${pathOf(id)}/events`;
			const append = (type: string) => probe.send('POST', { path, body: { type }, authorization });
			for (const type of ['input.given', 'approved']) expectStatus(await append(type), 201);
			for (const type of ['input', 'approved.twice', 'other']) {
				expectError(await append(type), 403, 'FORBIDDEN');
			}
			const update = { path: pathOf(id), body: { status: 'failed' }, authorization };
			expectError(await probe.send('PATCH', update), 403, 'FORBIDDEN');
			const { events } = expectStatus(await probe.send('GET', { path: pathOf(id) }), 200);
			const types = (events as JsonObject[]).map(({ type }) => type);
			expectEqual(types, ['input.given', 'approved'], 'the types of the events');
		},
	),

	writing(
		'session-keys.revoked',
		'extensions: session-keys.revoked',
		'a key that is revoked gets a 401',
		async (probe) => {
			const id = await probe.create();
			const { keyId, authorization } = await keyFor(probe, id);
			const path = `${pathOf(id)}/keys/${encodeURIComponent(keyId)}`;
			const revoked = expectStatus(await probe.send('DELETE', { path }), 200);
			expectEqual(revoked, { success: true }, 'the response');
			// The key was not used before, so no cache of the server has it.
			expectError(await probe.send('GET', { path: pathOf(id), authorization }), 401, 'UNAUTHORIZED');
		},
	),

	writing(
		'session-keys.deleted',
		'extensions: session-keys.revoked',
		'a key ends with its session',
		async (probe) => {
			const id = await probe.create();
			const { authorization } = await keyFor(probe, id);
			expectStatus(await probe.send('DELETE', { path: pathOf(id) }), 200);
			const { status } = await probe.send('GET', { path: pathOf(id), authorization });
			expectTrue([401, 404].includes(status), `a key of a deleted session gets ${status}`);
		},
	),
];

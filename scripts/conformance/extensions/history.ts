import { type Probe, pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, type JsonObject } from '../expect.ts';
import { etagOf, exactly, sessionText } from './answers.ts';

/** A session with three versions. Before the third one it has got an event. */
async function withVersions({
	send,
	create,
}: Probe): Promise<{ path: string; id: string; event: JsonObject }> {
	const id = await create({ prd: { title: 'first' } });
	const path = pathOf(id);
	const plan = { 2: 'two', 1: 'one', text: 'x'.repeat(600) };
	expectStatus(await send('PATCH', { path, body: { plan, status: 'generating' } }), 200);
	const event = expectStatus(await send('POST', { path: `${path}/events`, body: { type: 'note' } }), 201);
	const contentType = 'application/merge-patch+json';
	const patch = { plan: { 2: null, 3: 'three' }, prd: null };
	expectStatus(await send('PATCH', { path, body: patch, contentType }), 200);
	return { path, id, event };
}

/** What a session was, and sessions that begin as another one was. */
export const historyChecks = [
	writing(
		'history.versions',
		'extensions: history.versions',
		'the versions of a session are listed in pages, the newest first',
		async (probe) => {
			const { path, event } = await withVersions(probe);
			const versions = async (query: string) =>
				expectStatus(await probe.send('GET', { path: `${path}/versions${query}` }), 200);
			const first = await versions('?limit=2');
			const some = (page: JsonObject) =>
				(page.data as JsonObject[]).map(({ version, etag, status, changed, afterEvent }) => ({
					version,
					etag,
					status,
					changed,
					afterEvent,
				}));
			expectEqual(
				[some(first), first.hasMore],
				[
					[
						{ version: 3, etag: '"3"', status: 'generating', changed: ['plan', 'prd'], afterEvent: event.id },
						{ version: 2, etag: '"2"', status: 'generating', changed: ['plan', 'status'], afterEvent: null },
					],
					true,
				],
				'the first page',
			);
			const last = await versions('?limit=2&before=2');
			expectEqual(
				[some(last), last.hasMore],
				[[{ version: 1, etag: '"1"', status: 'intake', changed: [], afterEvent: null }], false],
				'the last page',
			);
		},
	),

	writing(
		'history.past',
		'extensions: history.past',
		'version reads the session as it was, with the events up to then',
		async (probe) => {
			const { send } = probe;
			const id = await probe.create({ prd: { b: 1, a: 1 } });
			const path = pathOf(id);
			const read = [exactly(await send('GET', { path }))];
			for (const body of [{ plan: { n: 1 } }, { status: 'failed', prd: { c: 3 } }]) {
				expectStatus(await send('PATCH', { path, body }), 200);
				read.push(exactly(await send('GET', { path })));
				expectStatus(await send('POST', { path: `${path}/events`, body: { type: 'note' } }), 201);
			}
			for (const [at, session] of read.entries()) {
				const answer = await send('GET', { path: `${path}?version=${at + 1}` });
				expectEqual(sessionText(exactly(answer)), sessionText(session), `version ${at + 1}`);
				const events = expectStatus(answer, 200).events as JsonObject[];
				expectEqual(events.length, Math.max(0, at - 1), `the events of version ${at + 1}`);
				const headers = { 'If-None-Match': etagOf(answer) };
				const again = await send('GET', { path: `${path}?version=${at + 1}`, headers });
				expectEqual(again.status, 304, 'the status for a caller who has the version');
			}
		},
	),

	writing(
		'history.missing',
		'extensions: history.missing',
		'a version that is not there gets a 404 VERSION_NOT_FOUND',
		async (probe) => {
			const { path, id } = await withVersions(probe);
			expectError(await probe.send('GET', { path: `${path}?version=4` }), 404, 'VERSION_NOT_FOUND');
			const body = { from: { sessionId: id, version: 4 } };
			expectError(probe.remember(await probe.send('POST', { body })), 404, 'VERSION_NOT_FOUND');
		},
	),

	writing(
		'history.fork',
		'extensions: history.fork',
		'from makes a session that begins as another one is or was, with an empty log',
		async (probe) => {
			const { send, remember } = probe;
			const { path, id } = await withVersions(probe);
			for (const query of ['?version=2', '']) {
				const source = expectStatus(await send('GET', { path: `${path}${query}` }), 200);
				const from = { sessionId: id, ...(query ? { version: 2 } : {}) };
				const body = { from, schemaVersion: 'own' };
				const made = expectStatus(remember(await send('POST', { body })), 201);
				const { status, plan, prd } = made;
				expectEqual(
					{ status, plan, prd },
					{ status: source.status, plan: source.plan, prd: source.prd },
					'the fork',
				);
				expectEqual(made.schemaVersion, 'own', 'schemaVersion');
				const stored = expectStatus(await send('GET', { path: pathOf(String(made.id)) }), 200);
				expectEqual(stored.events, [], 'the events of the fork');
			}
		},
	),
];

import { pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue, type JsonObject, pathsOf } from '../expect.ts';

/** How much the time of a change and the start of a life may differ, in milliseconds. */
const TOLERANCE_MS = 2000;

/** Throws a Deviation unless a session lives for so many seconds from a time on. */
function expectLife(session: JsonObject, from: unknown, seconds: number): void {
	const life = Date.parse(String(session.expiresAt)) - Date.parse(String(from));
	expectTrue(
		Math.abs(life - seconds * 1000) <= TOLERANCE_MS,
		`expiresAt is ${life / 1000} s later, not ${seconds} s`,
	);
	expectTrue(!('ttlSeconds' in session), 'the response has ttlSeconds');
}

/** A session's own life. */
export const ttlChecks = [
	writing(
		'ttl.create',
		'extensions: ttl.create',
		'ttlSeconds of a create is the life of the session',
		async ({ send, remember }) => {
			const made = expectStatus(remember(await send('POST', { body: { ttlSeconds: 7200 } })), 201);
			expectLife(made, made.createdAt, 7200);
		},
	),

	writing(
		'ttl.update',
		'extensions: ttl.update',
		'ttlSeconds of an update is the life from then on',
		async ({ send, create }) => {
			const path = pathOf(await create());
			for (const seconds of [7200, 600, 60]) {
				const changed = expectStatus(await send('PATCH', { path, body: { ttlSeconds: seconds } }), 200);
				expectLife(changed, changed.updatedAt, seconds);
				const stored = expectStatus(await send('GET', { path }), 200);
				expectEqual(stored.expiresAt, changed.expiresAt, 'expiresAt in details');
			}
		},
	),

	writing(
		'ttl.bounds',
		'extensions: ttl.bounds',
		'a life outside the bounds gets a 400',
		async ({ send, create, remember }) => {
			const path = pathOf(await create());
			for (const ttlSeconds of [59, 0, -1, 60.5, 1e12, '60', null]) {
				for (const answer of [
					remember(await send('POST', { body: { ttlSeconds } })),
					await send('PATCH', { path, body: { ttlSeconds } }),
				]) {
					expectEqual(pathsOf(expectError(answer, 400, 'VALIDATION_ERROR')), ['ttlSeconds'], 'paths');
				}
			}
		},
	),
];

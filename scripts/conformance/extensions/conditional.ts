import { pathOf, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue } from '../expect.ts';
import { etagOf } from './answers.ts';

/** Conditional requests by RFC 9110, section 13. */
export const conditionalChecks = [
	writing(
		'conditional.etag',
		'extensions: conditional.etag',
		'a session has a strong ETag, which changes with its fields and only with them',
		async ({ send, remember }) => {
			// Without compression no edge weakens the tag.
			const headers = { 'Accept-Encoding': 'identity' };
			const made = remember(await send('POST', { body: {}, headers }));
			const path = pathOf(String(expectStatus(made, 201).id));
			const answers = [
				made,
				await send('GET', { path, headers }),
				await send('PATCH', { path, body: {}, headers }),
				await send('PATCH', { path, body: { status: 'generating' }, headers }),
				await send('GET', { path, headers }),
			];
			for (const answer of answers) {
				const etag = etagOf(answer);
				expectEqual(answer.headers.get('ETag'), etag, `${answer.request}: the strong ETag`);
			}
			const [first = '', ...others] = answers.map(etagOf);
			const changed = others.at(-1);
			expectEqual(others, [first, first, changed, changed], 'ETags of details, nothing, a change, details');
			expectTrue(first !== changed, 'the ETag did not change with the status');
		},
	),

	writing(
		'conditional.if-match',
		'extensions: conditional.if-match',
		'a stale If-Match gets a 412 and changes nothing',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const stale = { 'If-Match': etagOf(await send('GET', { path })) };
			const answer = await send('PATCH', { path, body: { status: 'generating' }, headers: stale });
			expectStatus(answer, 200);
			const refused = await send('PATCH', { path, body: { status: 'failed' }, headers: stale });
			expectError(refused, 412, 'PRECONDITION_FAILED');
			expectError(await send('DELETE', { path, headers: stale }), 412, 'PRECONDITION_FAILED');
			expectEqual(expectStatus(await send('GET', { path }), 200).status, 'generating', 'status');
			const current = { 'If-Match': etagOf(answer) };
			expectStatus(await send('DELETE', { path, headers: current }), 200);
		},
	),

	writing(
		'conditional.weak',
		'extensions: conditional.weak',
		'a tag that an edge has weakened counts as its strong form',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const headers = { 'If-Match': `W/${etagOf(await send('GET', { path }))}` };
			expectStatus(await send('PATCH', { path, body: { status: 'generating' }, headers }), 200);
			const refused = await send('PATCH', { path, body: { status: 'failed' }, headers });
			expectError(refused, 412, 'PRECONDITION_FAILED');
		},
	),

	writing(
		'conditional.events',
		'extensions: conditional.events',
		'an event changes the ETag of details, and makes no If-Match stale',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const before = etagOf(await send('GET', { path }));
			expectStatus(await send('POST', { path: `${path}/events`, body: { type: 'note' } }), 201);
			const after = etagOf(await send('GET', { path }));
			expectTrue(before !== after, 'the ETag of details did not change with an event');
			const change = (etag: string, status: string) =>
				send('PATCH', { path, body: { status }, headers: { 'If-Match': etag } });
			expectStatus(await change(before, 'generating'), 200);
			expectError(await change(after, 'failed'), 412, 'PRECONDITION_FAILED');
		},
	),

	writing(
		'conditional.not-modified',
		'extensions: conditional.not-modified',
		'details with a current If-None-Match are a 304',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const etag = etagOf(await send('GET', { path }));
			const again = () => send('GET', { path, headers: { 'If-None-Match': `"x", ${etag}` } });
			const { status, text } = await again();
			expectEqual([status, text], [304, ''], 'status, body');
			await send('PATCH', { path, body: { status: 'generating' } });
			expectEqual(expectStatus(await again(), 200).status, 'generating', 'status');
		},
	),
];

import { needing, pathOf, writing } from '../check.ts';
import { expectEqual, expectStatus } from '../expect.ts';
import { mergeInto } from './merge-patch.ts';

/** The lowercase hex SHA-256 of a text. */
async function sha256(text: string): Promise<string> {
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
	return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The hash of the product object. */
export const hashChecks = [
	writing(
		'hash.replaced',
		'extensions: hash.follows',
		'a product object without its hash gets the hash of its RFC 8785 form',
		async ({ send, create }) => {
			const path = pathOf(await create());
			const raw = '{"productObject":{"b":1.0,"a":[1e21,"é\\u2028"],"\\u20ac":{}}}';
			const expected = await sha256('{"a":[1e+21,"é\u2028"],"b":1,"€":{}}');
			const { productObjectHash } = expectStatus(await send('PATCH', { path, raw }), 200);
			expectEqual(productObjectHash, expected, 'productObjectHash in the response');
			const stored = expectStatus(await send('GET', { path }), 200);
			expectEqual(stored.productObjectHash, expected, 'productObjectHash in details');
		},
	),

	needing(
		['merge-patch'],
		writing(
			'hash.merged',
			'extensions: hash.follows',
			'the hash follows a merged product object',
			async (probe) => {
				const id = await probe.create();
				await mergeInto(probe, id, '{"productObject":{"b":{"x":1},"a":2}}');
				const merged = expectStatus(await mergeInto(probe, id, '{"productObject":{"b":{"x":null}}}'), 200);
				expectEqual(merged.productObjectHash, await sha256('{"a":2,"b":{}}'), 'productObjectHash');
			},
		),
	),
];

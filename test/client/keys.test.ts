import { expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { json, scriptedFetch } from '../support/scripted-fetch.ts';

const made = () =>
	json({ expiresAt: '2026-01-15T10:31:12.250Z', id: 'key_1', key: 'rt_test_1' }, { status: 201 });

it('createKey sends what the key may append, and how long it works', async () => {
	const { fetch, sent } = scriptedFetch(made(), made(), made());
	const client = createClient({ baseUrl: 'https://api.test', token: 't', fetch });
	const append = ['input.*', 'approved'] as const;
	await client.createKey('sess_1', { append, expiresInSeconds: 600, headers: { 'X-Gateway': 'a' } });
	await client.createKey('sess_1', { append });
	await client.createKey('sess_1');
	expect(sent.map(({ body }) => body)).toEqual([{ append, expiresInSeconds: 600 }, { append }, {}]);
	expect(sent[0]?.headers.get('X-Gateway')).toBe('a');
});

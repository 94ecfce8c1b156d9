import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serveKeyForCode } from '../../scripts/key-for-code.ts';
import { ROOT, startServer } from '../support/server.ts';

const MINUTE = 60_000;

/** Serves a key at times that the test sets. */
async function withKey(
	use: (served: {
		newCode: () => string;
		send: (code: string) => Promise<string>;
		clock: { now: number };
	}) => Promise<void>,
): Promise<void> {
	const clock = { now: 0 };
	const { port, newCode, close } = await serveKeyForCode('the key', () => clock.now);
	try {
		await use({
			newCode,
			send: async (code) => (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: code })).text(),
			clock,
		});
	} finally {
		close();
	}
}

it('gives the key for a code once', () =>
	withKey(async ({ newCode, send }) => {
		const code = newCode();
		expect([await send(code), await send(code)]).toEqual(['the key', '']);
	}));

it('gives the key to one of many that send the code together', () =>
	withKey(async ({ newCode, send }) => {
		const code = newCode();
		const answers = await Promise.all(Array.from({ length: 20 }, () => send(code)));
		expect(answers.filter((answer) => answer !== '')).toEqual(['the key']);
	}));

it('gives the key for ten minutes', () =>
	withKey(async ({ newCode, send, clock }) => {
		const [early, late] = [newCode(), newCode()];
		clock.now = 10 * MINUTE - 1;
		expect(await send(late)).toBe('the key');
		expect(await send(early)).toBe('');
		const expired = newCode();
		clock.now += 10 * MINUTE;
		expect(await send(expired)).toBe('');
	}));

it('keeps the code when somebody sends a wrong one', () =>
	withKey(async ({ newCode, send }) => {
		const code = newCode();
		const wrong = [await send(''), await send(`${code}x`), await send(code.slice(0, -1)), await send('{}')];
		expect([...wrong, await send(code)]).toEqual(['', '', '', '', 'the key']);
	}));

it('gives nothing before there is a code', () =>
	withKey(async ({ send }) => {
		expect([await send(''), await send('undefined')]).toEqual(['', '']);
	}));

it('is no part of the Worker that is deployed', async () => {
	const server = await startServer();
	try {
		const url = `${server.url}/inspector/code`;
		const response = await fetch(url, { method: 'POST', body: 'code', headers: { Origin: server.url } });
		expect([response.status, await response.json()]).toMatchObject([405, { code: 'METHOD_NOT_ALLOWED' }]);
		expect(readFileSync(join(ROOT, 'dist/worker/index.js'), 'utf8')).not.toContain('KEY_FOR_CODE_PORT');
	} finally {
		await server.close();
	}
});

import { describe, expect, it } from 'vitest';
import { inspected, untilLive } from '../support/inspector.ts';

const at = inspected({ KEY_CACHE_SECONDS: '0' });
const keyField = 'API key, or a key for one session';

describe('signing in', () => {
	it('takes a key, keeps it for this tab alone, and forgets it at sign-out', async () => {
		const { key } = await at.newUser();
		const { page } = await at.open();
		await page.getByLabel(keyField).fill(key);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
		expect(await page.getByLabel(keyField).count()).toBe(0);

		await page.reload();
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
		const kept = await page.evaluate(
			'({ tab: sessionStorage.length, browser: localStorage.length, cookies: document.cookie })',
		);
		expect(kept).toEqual({ tab: 1, browser: 0, cookies: '' });
		const other = await page.context().newPage();
		await other.goto(page.url());
		await other.getByLabel(keyField).waitFor();

		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel(keyField).waitFor();
		expect(await page.evaluate('sessionStorage.length')).toBe(0);
		await page.reload();
		await page.getByLabel(keyField).waitFor();
	});

	it('takes the key out of the address and out of the history, and no request has it in its address', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page, requests } = await at.open({ key, session: id });
		await untilLive(page);
		expect(page.url()).toBe(`${at.server.url}/inspector#session=${id}`);
		expect(requests.filter((url) => url.includes(key) && !url.includes('#'))).toEqual([]);
		await page.goto('about:blank');
		await page.goBack();
		await untilLive(page);
		expect(page.url()).not.toContain('key');
	});

	it('signs in with the key of a link that is opened in a tab that is signed in', async () => {
		const [first, second] = [await at.newUser(), await at.newUser()];
		const { id } = await second.client.create();
		const { page } = await at.open({ key: first.key });
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
		await page.evaluate(`location.hash = 'key=${second.key}&session=${id}'`);
		await untilLive(page);
		expect(page.url()).not.toContain('key');
	});

	it.each([
		['an unknown key', 'rt_test_0000', 'This key is not valid'],
		['something that cannot be a key', 'two words', 'Enter a key'],
	])('says what is wrong with %s', async (_, key, words) => {
		const { page } = await at.open();
		await page.getByLabel(keyField).fill(key);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('alert').getByText(words).waitFor();
	});

	it.each([
		['too many requests', 429, 'Too many requests'],
		['a service that cannot be reached', 0, 'cannot be reached'],
	])('says so at %s, and signs in at another try', async (_, status, words) => {
		const { key } = await at.newUser();
		const { page } = await at.open();
		await page.route('**/v1/**', (route) =>
			status === 0
				? route.abort()
				: route.fulfill({
						status,
						json: { error: 'Too many.', code: 'RATE_LIMITED', requestId: 'r' },
						headers: { 'Retry-After': '60' },
					}),
		);
		await page.getByLabel(keyField).fill(key);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('alert').getByText(words).waitFor();
		await page.unroute('**/v1/**');
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
	});

	it('shows one session with a key for it, and offers nothing that the key may not do', async () => {
		const { client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		const { key } = await client.createKey(id);
		const { page } = await at.open({ key });
		await page.getByLabel('The session’s id').fill(id);
		await page.getByRole('button', { name: 'Show it' }).click();
		await untilLive(page);
		await page.getByText('Support assistant').waitFor();
		for (const name of ['Set the status', 'Append an event', 'Keys', 'Delete', 'Edit']) {
			expect([name, await page.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0]);
		}
		expect(await page.getByRole('navigation').count()).toBe(0);
	});

	it('offers what an API key may do and nothing else', async () => {
		const owner = { userId: 'user_with_two_keys' };
		const { client } = await at.newUser(owner);
		const { id } = await client.create();
		const { key } = await at.newUser({ ...owner, permissions: ['PRODUCTS:READ', 'PRODUCTS:DELETE'] });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const offered = await page.locator('.actions button').allInnerTexts();
		expect(offered).toEqual(['Keys', 'Delete']);
		expect(await page.getByRole('button', { name: 'Edit' }).count()).toBe(0);
	});

	it('signs out when the service refuses the key later', async () => {
		const { client } = await at.newUser();
		const { id } = await client.create();
		const { key, id: keyId } = await client.createKey(id);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await client.revokeKey(id, keyId);
		// The page reads what has changed.
		await client.update(id, { status: 'planning' });
		await page.getByRole('alert').getByText('was revoked or has expired').waitFor();
		expect(await page.evaluate('sessionStorage.length')).toBe(0);
	});
});

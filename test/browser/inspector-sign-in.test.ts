import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { axeFindings, eventRow, inspected, untilLive } from '../support/inspector.ts';

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
			'({ tab: sessionStorage.length, browser: localStorage.length, cookies: document.cookie.split(";").length })',
		);
		expect(kept).toEqual({ tab: 1, browser: 0, cookies: 1 });
		// Neither the storage nor the cookie has the key, and the service gets no cookie with a call.
		const texts = await page.evaluate('JSON.stringify([{ ...sessionStorage }, document.cookie])');
		expect(texts).not.toContain(key.slice(8, 40));
		expect((await page.context().cookies(`${at.server.url}/v1/`)).length).toBe(0);
		const other = await page.context().newPage();
		await other.goto(page.url());
		await other.getByLabel(keyField).waitFor();

		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel(keyField).waitFor();
		expect(await page.evaluate('[sessionStorage.length, document.cookie]')).toEqual([0, '']);
		await page.reload();
		await page.getByLabel(keyField).waitFor();
	});

	it('takes the key out of the address and out of the history, and no request has it in its address', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page, requests } = await at.open({ key, session: id });
		await untilLive(page);
		await expect.poll(() => page.url()).toBe(`${at.server.url}/inspector#session=${id}`);
		expect(requests.filter((url) => url.includes(key) && !url.includes('#'))).toEqual([]);
		await page.goto('about:blank');
		await page.goBack();
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
		await page.getByRole('heading', { name: 'Support assistant' }).waitFor();
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
		expect(offered).toEqual(['Keys', 'Delete', '⌨']);
		expect(await page.getByRole('button', { name: 'Edit' }).count()).toBe(0);
	});

	it('signs out when the service refuses the key later', async () => {
		const { client } = await at.newUser();
		const { id } = await client.create();
		const { key, id: keyId } = await client.createKey(id);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await client.revokeKey(id, keyId);
		// The page reads the payload of an event that somebody looks at.
		await client.append(id, { type: 'note' });
		await eventRow(page, 'note').click();
		await page.getByRole('alert').getByText('was revoked or has expired').waitFor();
		expect(await page.evaluate('sessionStorage.length')).toBe(0);
	});
});

/** Opens a tab that is signed in and shows the list. */
async function openSignedIn(key: string): Promise<Page> {
	const { page } = await at.open({ key });
	await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
	return page;
}

const prefixOf = (key: string): string => key.slice(0, 16);
const question = 'Use another key in this tab?';

describe('a link that is opened in a tab that is signed in', () => {
	it('does not replace the key unless its user says so', async () => {
		const [mine, theirs] = [await at.newUser({ userId: 'user_mine' }), await at.newUser()];
		const { id: myId } = await mine.client.create();
		const { id: theirId } = await theirs.client.create();
		const page = await openSignedIn(mine.key);
		await page.evaluate(`location.hash = 'session=${myId}'`);
		await untilLive(page);
		await page.evaluate(`location.hash = 'key=${theirs.key}&session=${theirId}'`);
		const dialog = page.getByRole('dialog', { name: question });
		await dialog.getByText(`${prefixOf(mine.key)}… of user_mine`).waitFor();
		await dialog.getByText(prefixOf(theirs.key)).waitFor();
		// Until then nothing is sent with the other key, and the session stays.
		await expect.poll(() => page.url()).toBe(`${at.server.url}/inspector#session=${myId}`);
		expect(await axeFindings(page)).toEqual([]);
		await dialog.getByRole('button', { name: 'Keep my key' }).click();
		await page.locator('.used').getByText(prefixOf(mine.key)).waitFor();
		await page.reload();
		await page.locator('.used').getByText(prefixOf(mine.key)).waitFor();

		// Escape keeps it, too.
		await page.evaluate(`location.hash = 'key=${theirs.key}&session=${theirId}'`);
		await dialog.waitFor();
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
		await page.locator('.used').getByText(prefixOf(mine.key)).waitFor();

		await page.evaluate(`location.hash = 'key=${theirs.key}&session=${theirId}'`);
		await dialog.getByRole('button', { name: 'Use the key of the link' }).click();
		await page.getByRole('heading', { name: theirId }).waitFor();
		await untilLive(page);
		await page.locator('.used').getByText(prefixOf(theirs.key)).waitFor();
		await expect.poll(() => page.url()).toBe(`${at.server.url}/inspector#session=${theirId}`);
	});

	it('also asks when the link loads the page again', async () => {
		const [mine, theirs] = [await at.newUser(), await at.newUser()];
		const page = await openSignedIn(mine.key);
		await page.goto('about:blank');
		await page.goto(`${at.server.url}/inspector#key=${theirs.key}`);
		const dialog = page.getByRole('dialog', { name: question });
		await dialog.getByRole('button', { name: 'Keep my key' }).click();
		await page.locator('.used').getByText(prefixOf(mine.key)).waitFor();
	});

	it('keeps the key in use when that of the link is not valid', async () => {
		const mine = await at.newUser();
		const page = await openSignedIn(mine.key);
		await page.evaluate("location.hash = 'key=rt_test_0000'");
		const dialog = page.getByRole('dialog', { name: question });
		await dialog.getByRole('button', { name: 'Use the key of the link' }).click();
		await dialog.getByRole('alert').getByText('This key is not valid').waitFor();
		await dialog.getByRole('button', { name: 'Keep my key' }).click();
		await page.reload();
		await page.locator('.used').getByText(prefixOf(mine.key)).waitFor();
	});

	it('says why the code of a link does not work where npm run dev does not run', async () => {
		const mine = await at.newUser();
		const page = await openSignedIn(mine.key);
		await page.evaluate("location.hash = 'code=abc'");
		const dialog = page.getByRole('dialog', { name: question });
		await dialog.getByRole('button', { name: 'Use the key of the link' }).click();
		await dialog.getByRole('alert').getByText('This service takes no codes').waitFor();
	});

	it('asks nothing when the link has the key in use', async () => {
		const mine = await at.newUser();
		const { id } = await mine.client.create();
		const page = await openSignedIn(mine.key);
		await page.evaluate(`location.hash = 'key=${mine.key}&session=${id}'`);
		await untilLive(page);
		expect(await page.getByRole('dialog').count()).toBe(0);
	});
});

describe('whose key the page uses', () => {
	it('is said by the first characters of the key and by the owner of its sessions', async () => {
		const { key, client } = await at.newUser({ userId: 'user_shown', organizationId: 'org_shown' });
		const page = await openSignedIn(key);
		// Without a session, the service tells nothing of the owner.
		await expect.poll(() => page.locator('.used').innerText()).toBe(`${prefixOf(key)}…`);
		const { id } = await client.create();
		await page.reload();
		await page
			.locator('.used')
			.getByText(`${prefixOf(key)}… of user_shown in org_shown`)
			.waitFor();
		const { key: sessionKey } = await client.createKey(id);
		const { page: other } = await at.open({ key: sessionKey, session: id });
		await untilLive(other);
		await expect.poll(() => other.locator('.used').innerText()).toBe(`${prefixOf(sessionKey)}…`);
		await other.getByRole('button', { name: 'Details', exact: true }).click();
		await other.locator('.facts').getByText('user_shown in org_shown').waitFor();
	});

	it('comes with a word when an API key was in a link, which the history keeps', async () => {
		const { key, client } = await at.newUser();
		const page = await openSignedIn(key);
		await page.getByRole('status').getByText('The link carried an API key').waitFor();
		const { id } = await client.create();
		const { key: sessionKey } = await client.createKey(id);
		const { page: other } = await at.open({ key: sessionKey, session: id });
		await untilLive(other);
		expect(await other.getByText('The link carried').count()).toBe(0);
	});
});

describe('signing out', () => {
	it('reaches every window, also one that was closed or shows another page', async () => {
		const [one, two] = [await at.newUser(), await at.newUser()];
		const page = await openSignedIn(one.key);
		const context = page.context();
		// A window that a page opens has a copy of its storage.
		const [copy] = await Promise.all([
			context.waitForEvent('page'),
			page.evaluate('void open(location.href)'),
		]);
		await copy.locator('.used').getByText(prefixOf(one.key)).waitFor();
		const other = await context.newPage();
		await other.goto(`${at.server.url}/inspector#key=${two.key}`);
		await other.locator('.used').getByText(prefixOf(two.key)).waitFor();
		const away = await context.newPage();
		await away.goto(`${at.server.url}/inspector#key=${two.key}`);
		await away.locator('.used').getByText(prefixOf(two.key)).waitFor();
		await away.goto('about:blank');

		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel(keyField).waitFor();
		for (const each of [copy, other]) {
			await each.getByRole('alert').getByText('You signed out in another window').waitFor();
			await each.reload();
			await each.getByLabel(keyField).waitFor();
		}
		await away.goBack();
		await away.getByLabel(keyField).waitFor();
		// Nor does it come back with the next key.
		await page.getByLabel(keyField).fill(one.key);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.locator('.used').waitFor();
		await away.reload();
		await away.getByLabel(keyField).waitFor();
	});
});

describe('a page of another origin', () => {
	it('cannot control the window that it opens', async () => {
		const { key } = await at.newUser();
		const page = await openSignedIn(key);
		// `localhost` and `127.0.0.1` are different origins.
		const foreign = await page.context().newPage();
		await foreign.goto(`${at.server.url.replace('127.0.0.1', 'localhost')}/healthz`);
		const [opened] = await Promise.all([
			page.context().waitForEvent('page'),
			foreign.evaluate(`void (globalThis.opened = open('${at.server.url}/inspector'))`),
		]);
		await opened.getByLabel(keyField).waitFor();
		await expect.poll(() => foreign.evaluate('opened.closed')).toBe(true);
		expect(await opened.evaluate('opener')).toBeNull();
	});
});

import { describe, expect, it } from 'vitest';
import { inspected, untilLive } from '../support/inspector.ts';

const at = inspected();

describe('the list of sessions', () => {
	it('shows them newest first, with their titles, status and times, and lists them without their objects', async () => {
		const { key, client } = await at.newUser();
		const first = await client.create({ prd: { title: 'first' } });
		const second = await client.create();
		await client.update(first.id, { status: 'failed' });
		const { page, requests } = await at.open({ key });
		const rows = page.getByRole('navigation').getByRole('link');
		await rows.first().waitFor();
		await expect.poll(() => rows.locator('.id').allInnerTexts()).toEqual([second.id, first.id]);
		await expect.poll(() => rows.locator('.badge').allInnerTexts()).toEqual(['intake', 'failed']);
		await rows.nth(1).getByText('first').waitFor();
		const time = rows.first().locator('time').last();
		await expect.poll(() => time.innerText()).toMatch(/^\d+ (s|min) ago$/);
		await expect.poll(() => time.getAttribute('title')).toBe(second.createdAt);
		const lists = requests.filter((url) => url.includes('/sessions?'));
		expect(lists.length).toBeGreaterThan(0);
		for (const url of lists) expect(url).toContain('fields=');
		expect(lists.filter((url) => /prd|plan|productObject|assemblyState/.test(url))).toEqual([]);
	});

	it('tells of a busy session when its last event was, although the session itself has not changed', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.update(id, { productObject: { text: 'x'.repeat(100_000), name: 'far behind' } });
		const { page } = await at.open({ key });
		const row = page.getByRole('link', { name: id });
		await row.getByText('changed').waitFor();
		await client.append(id, { type: 'note' });
		await row.getByText('last event').waitFor();
		// A title that comes after 100,000 other characters is not worth reading them.
		expect(await row.locator('.title').count()).toBe(0);
	});

	it('shows new sessions and changes by themselves', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key });
		const rows = page.getByRole('navigation').getByRole('link');
		await rows.first().waitFor();
		const added = await client.create();
		await client.update(id, { status: 'complete' });
		await page.getByRole('link', { name: added.id }).waitFor();
		await page.getByRole('link', { name: new RegExp(`${id}\\s*complete`) }).waitFor();
		await expect.poll(() => rows.locator('.id').allInnerTexts()).toEqual([added.id, id]);
		await expect.poll(() => page.locator('.row.news').count()).toBe(2);
		await client.delete(id);
		await page.getByRole('link', { name: id }).waitFor({ state: 'detached' });
	});

	it('shows those of one status, and says when there are none', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.create();
		await client.update(id, { status: 'generating' });
		const { page } = await at.open({ key });
		const rows = page.getByRole('navigation').getByRole('link');
		await rows.nth(1).waitFor();
		await page.getByLabel('Filter by status').selectOption('generating');
		await rows.nth(1).waitFor({ state: 'detached' });
		await rows.first().waitFor();
		await expect.poll(() => rows.locator('.id').allInnerTexts()).toEqual([id]);
		await page.getByLabel('Filter by status').selectOption('failed');
		await page.getByText('No session').waitFor();
	});

	it('finds a session by a part of its id, and opens one that is not in the list by the whole id', async () => {
		const { key, client } = await at.newUser();
		const ids: string[] = [];
		for (let count = 0; count < 51; count += 1) ids.push((await client.create()).id);
		const [oldest = '', second = ''] = ids;
		const { page } = await at.open({ key });
		const rows = page.getByRole('navigation').getByRole('link');
		await rows.nth(49).waitFor();
		await expect.poll(() => rows.count()).toBe(50);

		const find = page.getByLabel('Find a session by its title or id');
		await find.fill(second.slice(-8));
		await rows.nth(1).waitFor({ state: 'detached' });
		await expect.poll(() => rows.locator('.id').allInnerTexts()).toEqual([second]);
		await find.fill(oldest);
		await find.press('Enter');
		await page.getByRole('heading', { name: oldest }).waitFor();
		await untilLive(page);
		await find.fill('sess_00000000000000000000000000');
		await find.press('Enter');
		await page.getByRole('alert').getByText('This key has no such session').waitFor();
	});

	it('opens a session in another tab, which has the key of this one', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Bicycle shop' } });
		const { page } = await at.open({ key });
		const ways: Parameters<ReturnType<typeof page.locator>['click']>[0][] = [
			{ modifiers: ['Control'] },
			{ button: 'middle' },
		];
		for (const way of ways) {
			const opened = page.context().waitForEvent('page');
			await page.getByRole('link', { name: id }).click(way);
			const other = await opened;
			await other.getByRole('heading', { name: id }).waitFor();
			await untilLive(other);
			await other.close();
		}
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
	});

	it('tells sessions with one title apart by the time of their creation', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Bicycle shop' } });
		const alone = await client.create({ prd: { title: 'Bakery' } });
		const fork = await client.fork(id, { version: 1 });
		for (const each of [id, alone.id, fork.id]) await client.append(each, { type: 'note' });
		const { page } = await at.open({ key });
		const row = (which: string) => page.getByRole('link', { name: which });
		for (const each of [id, fork.id]) await row(each).getByText('created').waitFor();
		await row(alone.id).getByText('last event').waitFor();
		await row(alone.id).getByText('created').waitFor({ state: 'detached' });
	});

	it('loads more by the link of the page before, and keeps them up to date', async () => {
		const { key, client } = await at.newUser();
		const ids: string[] = [];
		for (let count = 0; count < 55; count += 1) ids.unshift((await client.create()).id);
		const { page, requests } = await at.open({ key });
		const rows = page.getByRole('navigation').getByRole('link');
		await page.getByRole('button', { name: 'Load more' }).click();
		await rows.nth(54).waitFor();
		await expect.poll(() => rows.locator('.id').allInnerTexts()).toEqual(ids);
		expect(requests.some((url) => url.includes(`after=${ids[49]}`))).toBe(true);
		expect(await page.getByRole('button', { name: 'Load more' }).count()).toBe(0);
		expect(await page.locator('.row.news').count()).toBe(0);
		const oldest = ids.at(-1) ?? '';
		await client.update(oldest, { status: 'failed' });
		await page.getByRole('link', { name: new RegExp(`${oldest}\\s*failed`) }).waitFor();
	});

	it('says when it cannot be read, and goes on by itself', async () => {
		const { key, client } = await at.newUser();
		await client.create();
		const { page } = await at.open({ key });
		await page.getByRole('navigation').getByRole('link').first().waitFor();
		await page.context().setOffline(true);
		await page.getByRole('alert').getByText('cannot be reached').waitFor();
		await page.context().setOffline(false);
		await page.getByRole('alert').waitFor({ state: 'hidden' });
	});
});

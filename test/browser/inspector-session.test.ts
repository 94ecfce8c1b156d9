import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOnline, SCREENSHOTS } from '../support/browser.ts';
import { eventRow, inspected, untilLive } from '../support/inspector.ts';

const at = inspected();

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a session', () => {
	it('shows events, state and objects as a program writes them, in two tabs', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		const tabs = [await at.open({ key, session: id }), await at.open({ key, session: id })];
		for (const { page } of tabs) await untilLive(page);

		const stages = ['planning', 'generating', 'assembling'];
		for (let number = 0; number < 60; number += 1) {
			const stage = stages[Math.floor(number / 20)] ?? '';
			const event = { type: 'step', stage, message: `step ${number}`, payload: { number } };
			if (number % 20 === 0) await client.step(id, { events: [event], patch: { plan: { number } } });
			else await client.append(id, event);
			await pause(50);
		}
		await client.update(id, { status: 'complete' });

		for (const { page } of tabs) {
			await page.getByRole('heading', { name: 'Events 60' }).waitFor();
			await eventRow(page, 'step 59').waitFor();
			await page.locator('.session-head .badge', { hasText: 'complete' }).waitFor();
			await page.getByRole('tab', { name: 'Plan' }).click();
			await page.getByText('"number": 40').waitFor();
			await expect.poll(() => page.locator('.lanes .stage').allTextContents()).toEqual(stages);
			await expect.poll(() => page.locator('.plot .bar').count()).toBe(3);
		}
		await tabs[0]?.page.screenshot({ path: join(SCREENSHOTS, 'inspector-session.png') });
	});

	it('marks what has just changed: the object, its lines, and the new events', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Support assistant', audience: ['sales'] } });
		await client.append(id, { type: 'old' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('tab', { name: 'PRD' }).click();
		await page.getByText('"sales"').waitFor();
		// Marks stay for seconds. The page looks for them from before the change on: a slow machine may not ask it in that time.
		const marks = Promise.all([
			page.locator('.cm-line.changed').innerText(),
			page.locator('.event.news .type').innerText(),
			page.getByRole('tab', { name: 'PRD changed' }).waitFor(),
			page.getByRole('tab', { name: 'Plan changed' }).waitFor(),
		]);
		await client.merge(id, { prd: { price: 12 }, plan: { steps: 1 } });
		await client.append(id, { type: 'new' });
		expect((await marks).slice(0, 2)).toEqual(['  "price": 12', 'new']);
		await page.locator('.cm-line.changed').waitFor({ state: 'detached' });
	});

	it('reconnects as soon as the browser is online, however long it was not', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const failed = () =>
			page.waitForEvent('requestfailed', (request) => request.url().includes(`${id}/events`));
		const first = failed();
		await page.context().setOffline(true);
		await first;
		const second = failed();
		// From now on nothing is tried again because of the time alone.
		await page.evaluate(`{
			const real = setTimeout;
			window.setTimeout = (action, delay, ...rest) => (delay > 500 ? 0 : real(action, delay, ...rest));
		}`);
		await second;
		await page.context().setOffline(false);
		await untilLive(page);
	});

	it.runIf(isOnline)('says that it reconnects, and then has every event once', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.append(id, { type: 'first' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.context().setOffline(true);
		await page.locator('.connection', { hasText: 'Reconnecting' }).waitFor();
		for (const type of ['second', 'third']) await client.append(id, { type });
		await client.update(id, { status: 'generating' });
		await page.context().setOffline(false);
		await untilLive(page);
		await eventRow(page, 'third').waitFor();
		await expect
			.poll(() => page.locator('.event .type').allInnerTexts())
			.toEqual(['first', 'second', 'third']);
		await page.locator('.session-head .badge', { hasText: 'generating' }).waitFor();
	});

	it('comes when the service takes calls again, after too many with one key', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Patient' } });
		const { page } = await at.open({ key });
		await page.getByRole('link', { name: id }).waitFor();
		await page.route(`**/sessions/${id}**`, (route) =>
			route.fulfill({ status: 429, json: { error: 'Too many requests.', code: 'RATE_LIMITED' } }),
		);
		await page.getByRole('link', { name: id }).click();
		await page.getByRole('alert').getByText('Too many requests with this key').waitFor();
		await page.unroute(`**/sessions/${id}**`);
		await untilLive(page);
		expect(await page.getByRole('alert').getByText('Too many requests').count()).toBe(0);
	});

	it('says when the session is deleted elsewhere, and offers no more changes', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await client.delete(id);
		await page.getByRole('alert').getByText('This session was deleted.').waitFor();
		await page.locator('.connection', { hasText: 'Ended' }).waitFor();
		await expect.poll(() => page.locator('.actions').innerText()).toBe('⌨');
		await page.locator('.verdict').getByText('Deleted', { exact: true }).waitFor();
		await page.getByText('This session had no events.').waitFor();
		for (const words of ['Following', 'Edit', 'Expires in', 'Each one appears here']) {
			await expect.poll(async () => [words, await page.getByText(words).count()]).toEqual([words, 0]);
		}
	});

	it('shows ten thousand events with a few rows, and reaches each of them', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		for (let step = 0; step < 100; step += 1) {
			const events = Array.from({ length: 100 }, (_, index) => ({
				type: 'tick',
				stage: `stage ${Math.floor(step / 30)}`,
				message: `message ${step * 100 + index}.`,
			}));
			await client.step(id, { events });
		}
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const list = page.getByRole('listbox', { name: 'Events' });
		const rows = list.getByRole('option');
		await rows.filter({ hasText: 'message 9999.' }).waitFor();
		await page.getByText('earlier ones').waitFor({ state: 'detached' });
		await expect.poll(() => page.locator('*').count()).toBeLessThan(1000);
		await list.focus();
		await list.press('Home');
		await rows.filter({ hasText: 'message 0.' }).waitFor();
		await list.press('PageDown');
		await list.evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
		await rows.filter({ hasText: 'message 5000.' }).waitFor();
		await expect.poll(() => rows.count()).toBeLessThan(60);

		// Who reads older events is not carried away by new ones.
		await client.append(id, { type: 'tick', message: 'message 10000.' });
		await page.getByRole('heading', { name: 'Events 10,001' }).waitFor();
		await rows.filter({ hasText: 'message 5000.' }).waitFor();
		await page.getByRole('button', { name: 'new ↓' }).click();
		await page.mouse.move(0, 0);
		await rows.filter({ hasText: 'message 10000.' }).waitFor();
		await page.getByLabel('Filter events').fill('message 777.');
		await rows.filter({ hasText: 'message 777.' }).waitFor();
		await expect.poll(() => rows.allInnerTexts()).toEqual([expect.stringContaining('message 777.')]);
	});

	it('selects an event in the list and on the timeline, and shows its payload as it is stored', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.append(id, { type: 'first', stage: 'planning' });
		await fetch(`${at.server.url}/v1/products/generation/sessions/${id}/events`, {
			method: 'POST',
			headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
			body: '{"type":"priced","stage":"building","message":"a price","payload":{"2":1.50,"1":12345678901234567890}}',
		});
		await client.append(id, { type: 'last', stage: 'planning' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await eventRow(page, 'priced').click();
		const detail = page.getByRole('region', { name: 'priced' });
		await detail.getByText('12345678901234567890').waitFor();
		await expect
			.poll(() => detail.locator('.cm-line').allInnerTexts())
			.toEqual(['{', '  "2": 1.50,', '  "1": 12345678901234567890', '}']);
		const plot = page.locator('.plot');
		const box = await plot.boundingBox();
		await plot.click({ position: { x: (box?.width ?? 0) - 5, y: 42 + 11 } });
		await page.getByRole('heading', { name: 'last' }).waitFor();
		await expect.poll(() => page.locator('.plot .selected').count()).toBe(1);
	});

	it('keeps an object of nearly 400,000 bytes usable: it folds, is searched and copied', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const rows = Array.from({ length: 3500 }, (_, row) => ({
			row,
			name: `row number ${row}`,
			tags: ['a', 'b'],
			on: { at: row / 7 },
		}));
		const productObject = { rows, last: 'the end' };
		expect(JSON.stringify(productObject).length).toBeGreaterThan(280_000);
		await client.update(id, { productObject });
		const { page } = await at.open(
			{ key, session: id },
			{ permissions: ['clipboard-read', 'clipboard-write'] },
		);
		await untilLive(page);
		await page.getByRole('tab', { name: 'Product object' }).click();
		await page.getByText('row number 0"').waitFor();
		await expect.poll(() => page.locator('.cm-line').count()).toBeLessThan(200);

		await page.getByRole('button', { name: 'Fold all', exact: true }).click();
		await page.getByText('"the end"').waitFor();
		const placeholder = page.locator('.cm-foldPlaceholder');
		await expect.poll(() => placeholder.innerText()).toMatch(/^[\d,]+ lines$/);
		await page.getByRole('button', { name: 'Unfold all' }).click();
		await placeholder.waitFor({ state: 'detached' });

		const search = page.getByLabel('Search in Product object');
		await search.fill('ROW NUMBER 349');
		await page.getByText('1 of 11').waitFor();
		await expect.poll(() => page.locator('.cm-line .found').innerText()).toBe('row number 349');
		await search.press('Enter');
		await page.getByText('2 of 11').waitFor();
		await search.press('Shift+Enter');
		await page.getByText('1 of 11').waitFor();
		// What is sought is a text, whatever it means elsewhere.
		await search.fill('.*');
		await page.getByText('none', { exact: true }).last().waitFor();
		await search.fill('"rows": [');
		await page.getByText('1 of 1', { exact: true }).waitFor();
		await search.fill('nowhere');
		await page.getByText('none', { exact: true }).last().waitFor();

		await page.getByRole('button', { name: 'Copy', exact: true }).click();
		await page.getByText('Copied').waitFor();
		const copied = await page.evaluate<string>('navigator.clipboard.readText()');
		expect(JSON.parse(copied)).toEqual(productObject);
	});
});

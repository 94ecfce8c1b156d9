import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { inspected, storedText, untilLive } from '../support/inspector.ts';
import { until } from '../support/until.ts';

const at = inspected();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const put = (key: string, id: string, body: string) =>
	fetch(`${at.server.url}/v1/products/generation/sessions/${id}`, {
		method: 'PATCH',
		headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
		body,
	});

/** Writes in the editor, at the beginning of the object. */
async function typeMember(page: Page, text: string): Promise<void> {
	await page.getByRole('textbox', { name: 'as JSON' }).focus();
	await page.keyboard.press('Control+Home');
	await page.keyboard.press('ArrowRight');
	await page.keyboard.insertText(text);
}

describe('changing a session', () => {
	it('sets the status', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await page.getByLabel('Status', { exact: true }).selectOption('failed');
		await button(page, 'Set the status').click();
		await page.locator('.session-head .badge', { hasText: 'failed' }).waitFor();
		expect((await client.get(id)).status).toBe('failed');
	});

	it('does not set the status over one that somebody else has set meanwhile', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByLabel('Status', { exact: true }).selectOption('failed');
		// The page's write meets a write that it has not seen.
		await page.route(`**/sessions/${id}`, async (route) => {
			if (route.request().method() === 'PATCH' && (await client.get(id)).status === 'intake') {
				await client.update(id, { status: 'complete' });
			}
			await route.continue();
		});
		await button(page, 'Set the status').click();
		await page.getByRole('alert').getByText('somebody made it “complete”').waitFor();
		expect((await client.get(id)).status).toBe('complete');
	});

	it('edits an object and leaves every literal, name and place as it was', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const stored =
			'{"2":1.50,"1":12345678901234567890,"deep":{"e":1E400,"text":"a \\"b\\" {,}"},"empty":{},"list":[]}';
		await put(key, id, `{"plan":${stored}}`);
		const { page } = await at.open({ key, session: id });
		await page.getByText('12345678901234567890').waitFor();
		await button(page, 'Edit').click();
		await typeMember(page, '"added": 0.10,');
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		await page.getByText('"added"').waitFor();
		expect(await storedText(at.server, key, id, 'plan')).toBe(
			`{"plan":${stored.slice(0, -1)},"added":0.10}}`,
		);
	});

	it('says what is wrong with a text that is not a JSON object, and sends nothing', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'kept' } });
		const { page, requests } = await at.open({ key, session: id });
		await button(page, 'Edit').click();
		await typeMember(page, ',');
		const before = requests.length;
		await button(page, 'Save my change').click();
		await page.getByRole('alert').getByText('This is not JSON').waitFor();
		await page.keyboard.press('Control+a');
		await page.getByRole('textbox', { name: 'as JSON' }).focus();
		await page.keyboard.press('Control+a');
		await page.keyboard.insertText('[1]');
		await button(page, 'Save my change').click();
		await page.getByRole('alert').getByText('must be a JSON object').waitFor();
		expect(requests.slice(before).filter((url) => url.endsWith(id))).toEqual([]);
		await button(page, 'Discard my changes').click();
		await page.getByText('"kept"').waitFor();
	});

	it('writes an object while a program changes others', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'mine' } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await button(page, 'Edit').click();
		await typeMember(page, '"edited": true,');
		await client.update(id, { plan: { theirs: true }, status: 'generating' });
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		expect(await client.get(id)).toMatchObject({
			prd: { title: 'mine', edited: true },
			plan: { theirs: true },
			status: 'generating',
		});
	});

	it('writes only what was changed, while a program changes other members of the same object all the time', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.update(id, {
			plan: { modules: { auth: { progress: 0 }, ui: { state: 'queued' } } },
		});
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		let isOver = false;
		const generator = (async () => {
			for (let progress = 1; !isOver; progress += 1) {
				await client.merge(id, { plan: { modules: { auth: { progress } } } });
				await new Promise((resolve) => setTimeout(resolve, 100));
			}
		})();
		await button(page, 'Edit').click();
		const editor = page.getByRole('textbox', { name: 'as JSON' });
		const text = (await editor.innerText()).replace('queued', 'cancelled');
		await editor.press('Control+a');
		await page.keyboard.insertText(text);
		await page.getByText('1 change', { exact: true }).waitFor();
		await page.getByText('modules.ui.state').waitFor();
		await page.getByText('They stay.').waitFor();
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		isOver = true;
		await generator;
		const { plan } = await client.get(id);
		expect(plan).toMatchObject({ modules: { ui: { state: 'cancelled' } } });
		expect((plan as { modules: { auth: { progress: number } } }).modules.auth.progress).toBeGreaterThan(0);
	});

	it('writes nothing where nothing was changed', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'same' } });
		const { page } = await at.open({ key, session: id });
		await button(page, 'Edit').click();
		await page.getByRole('textbox', { name: 'as JSON' }).waitFor();
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		expect((await client.get(id).withResponse()).etag).toBe('"1"');
	});

	it('replaces the object where no merge patch can express the edit', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'first' } });
		const { page } = await at.open({ key, session: id });
		await button(page, 'Edit').click();
		await typeMember(page, '"nothing": null,');
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		expect((await client.get(id)).prd).toEqual({ nothing: null, title: 'first' });
	});

	it.each([
		['Discard my changes', { title: 'theirs', other: 1 }],
		['Overwrite with my version', { title: 'mine', other: 1 }],
	])('shows both versions when somebody changed the same member meanwhile: %s', async (choice, outcome) => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'first' } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await button(page, 'Edit').click();
		await page.getByRole('textbox', { name: 'as JSON' }).press('Control+a');
		await page.keyboard.insertText('{"title":"mine"}');
		await client.update(id, { prd: { title: 'theirs', other: 1 } });
		await page.getByText('Somebody has changed the same part since you began').waitFor();
		await button(page, 'Save my change').click();
		await page.getByRole('alert').getByText('Nothing was overwritten').waitFor();
		const stored = page.getByRole('region', { name: 'Stored now' });
		await stored.getByText('"theirs"').waitFor();
		await page.getByRole('region', { name: 'Yours' }).getByText('"mine"').waitFor();
		expect((await client.get(id)).prd).toEqual({ title: 'theirs', other: 1 });
		await button(page, choice).click();
		await button(page, 'Edit').waitFor();
		expect((await client.get(id)).prd).toEqual(outcome);
	});

	it('has what answers a conflict in view, also where there is little room', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Conflict' } });
		const { page } = await at.open({ key, session: id }, { viewport: { width: 1280, height: 760 } });
		await untilLive(page);
		await button(page, 'Edit').click();
		await typeMember(page, '"mine": 1,');
		await client.merge(id, { prd: { mine: 2 } });
		await page.getByText('Somebody has changed the same part since you began').waitFor();
		await button(page, 'Save my change').click();
		const overwrite = button(page, 'Overwrite with my version');
		await overwrite.waitFor();
		const box = await overwrite.boundingBox();
		const panel = await page.locator('#object-panel').boundingBox();
		if (!box || !panel) throw new Error('The panel is not shown.');
		expect(box.y + box.height).toBeLessThanOrEqual(panel.y + panel.height);
	});

	it('keeps what is not saved while another session is shown, and asks before the page or the key goes', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'first' } });
		const other = await client.create();
		const { page } = await at.open({ key, session: id });
		await button(page, 'Edit').click();
		await typeMember(page, '"unsaved": true,');
		await page.getByRole('link', { name: other.id }).click();
		await page.getByRole('heading', { name: other.id }).waitFor();
		await page.getByRole('link', { name: id }).getByText('not saved').waitFor();
		await page.getByRole('link', { name: id }).click();
		await page.getByRole('tab', { name: 'PRD' }).click();
		await page.getByRole('textbox', { name: 'as JSON' }).getByText('"unsaved"').waitFor();
		const asked: string[] = [];
		page.on('dialog', (dialog) => {
			asked.push(dialog.type());
			void dialog.dismiss();
		});
		const reloading = page.reload({ timeout: 2000 }).catch(() => {});
		await until(() => expect(asked).toEqual(['beforeunload']));
		await reloading;
		await page.getByRole('textbox', { name: 'as JSON' }).getByText('"unsaved"').waitFor();
		await button(page, 'Sign out').click();
		await page.getByRole('dialog').getByText('that is not saved').waitFor();
		await button(page, 'Stay').click();
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		expect((await client.get(id)).prd).toEqual({ unsaved: true, title: 'first' });
	});

	it('keeps what is not saved when the key is refused, until somebody signs in again', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'first' } });
		const { page } = await at.open({ key, session: id });
		await button(page, 'Edit').click();
		await typeMember(page, '"unsaved": true,');
		let isRefused = true;
		await page.route('**/v1/**', (route) =>
			route.continue(
				isRefused ? { headers: { ...route.request().headers(), authorization: 'Bearer rt_test_0' } } : {},
			),
		);
		await button(page, 'Save my change').click();
		await page.getByRole('alert').getByText('refuses the key').waitFor();
		isRefused = false;
		await page.getByLabel('API key, or a key for one session').fill(key);
		await button(page, 'Sign in').click();
		await page.getByRole('tab', { name: 'PRD' }).click();
		await page.getByRole('textbox', { name: 'as JSON' }).getByText('"unsaved"').waitFor();
		await button(page, 'Discard my changes').click();
	});

	it('begins an object that the session does not have yet', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await page.getByRole('tab', { name: 'Assembly state' }).click();
		await page.getByText('No assembly state yet.').waitFor();
		await button(page, 'Edit').click();
		await typeMember(page, '"api": "built"');
		await button(page, 'Save my change').click();
		await button(page, 'Edit').waitFor();
		expect((await client.get(id)).assemblyState).toEqual({ api: 'built' });
	});

	it('appends an event with its payload as it is written', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await button(page, 'Append an event').click();
		const dialog = page.getByRole('dialog');
		await dialog.getByLabel('Type').fill('note');
		await dialog.getByLabel('Stage').fill('review');
		await dialog.getByLabel('Message').fill('looks "good"');
		await typeMember(page, '"score": 1.0');
		await dialog.getByRole('button', { name: 'Append' }).click();
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('listbox', { name: 'Events' }).getByText('looks "good"').waitFor();
		expect(await storedText(at.server, key, id, 'events')).toMatch(
			/"message":"looks \\"good\\"",.*"payload":\{"score":1\.0\},.*"stage":"review","type":"note"/,
		);
	});

	it('keeps what was written into the form of an event that was closed by mistake', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await button(page, 'Append an event').click();
		await page.getByRole('dialog').getByLabel('Message').fill('one\ntwo');
		await page.keyboard.press('Escape');
		await button(page, 'Append an event').click();
		await expect.poll(() => page.getByRole('dialog').getByLabel('Message').inputValue()).toBe('one\ntwo');
		await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
		await page.getByRole('dialog').waitFor({ state: 'detached' });
	});

	it('makes a key for the session, whose link shows it to somebody else, and revokes it', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		const { page } = await at.open(
			{ key, session: id },
			{ permissions: ['clipboard-read', 'clipboard-write'] },
		);
		await button(page, 'Keys').click();
		const dialog = page.getByRole('dialog');
		await dialog.getByLabel('May append (optional)').fill('input.*, note');
		await dialog.getByRole('button', { name: 'Make a key' }).click();
		await dialog.getByText('may append input.*, note').waitFor();
		const focused = () => page.evaluate('document.activeElement.textContent');
		expect(await focused()).toBe('Make a key');
		const made = await dialog.getByRole('code').first().innerText();
		expect(made).toMatch(/^rt_test_\w+$/);
		await dialog.getByRole('button', { name: 'Copy a link' }).click();
		await dialog.getByText('Copied').waitFor();
		const link = await page.evaluate<string>('navigator.clipboard.readText()');

		const visitor = await at.open(Object.fromEntries(new URLSearchParams(new URL(link).hash.slice(1))));
		await untilLive(visitor.page);
		await visitor.page.getByRole('heading', { name: 'Support assistant' }).waitFor();
		await expect
			.poll(() => visitor.page.locator('.actions button').allInnerTexts())
			.toEqual(['Append an event', '⌨']);

		await dialog.getByRole('button', { name: 'Revoke' }).click();
		await dialog.getByRole('code').first().waitFor({ state: 'detached' });
		await expect.poll(focused).toBe('Make a key');
		await visitor.close();
	});

	it('deletes a session after it has asked, and not before', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await button(page, 'Delete').click();
		await button(page, 'Keep it').click();
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		expect((await client.get(id)).id).toBe(id);
		await button(page, 'Delete').click();
		await button(page, 'Delete it').click();
		await page.getByRole('status').getByText(`${id} was deleted.`).waitFor();
		await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
		await expect(client.get(id)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
	});
});

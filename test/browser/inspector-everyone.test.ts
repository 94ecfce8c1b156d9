import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { SCREENSHOTS } from '../support/browser.ts';
import { axeFindings, eventRow, inspected, untilLive } from '../support/inspector.ts';
import { generateManyStages } from '../support/misbehaving-generator.ts';

const at = inspected();
const PHONE = { width: 360, height: 740 };

/** What has the focus, also inside of an editor, and whether one sees it. */
const FOCUSED = `(() => {
	let element = document.activeElement;
	while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
	const marked = element.closest('.cm-editor') ?? element;
	return {
		name: element.getAttribute('aria-label') ?? element.textContent.trim(),
		isVisible: getComputedStyle(marked).outlineStyle !== 'none',
	};
})()`;

/** A session in which much has happened. */
async function newSession() {
	const { key, client } = await at.newUser();
	const { id } = await client.create({
		catalogVersion: '2026-01',
		prd: { title: 'Support assistant', price: 12.5 },
	});
	for (const status of ['generating', 'failed', 'complete', 'assembling'] as const) {
		const other = await client.create();
		await client.update(other.id, { status });
	}
	await client.update(id, { status: 'generating', plan: { steps: [{ name: 'outline', done: true }] } });
	for (let number = 0; number < 40; number += 1) {
		const stage = ['intake', 'planning', 'generating'][Math.floor(number / 14)] ?? '';
		await client.append(id, { type: 'tool.call', stage, message: `step ${number}`, payload: { number } });
	}
	await client.append(id, {
		type: 'tool.failed',
		stage: 'generating',
		message: 'broken',
		payload: { why: 1 },
	});
	return { key, client, id };
}

const overflow = (page: Page) =>
	page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Goes through everything that the page can show, and says what axe-core finds, and where. */
async function findingsOf(
	page: Page,
	session: Awaited<ReturnType<typeof newSession>>,
	name: string,
): Promise<string[]> {
	const { client, id } = session;
	const found: string[] = [];
	const look = async (where: string) => {
		// A mark that fades has no color of its own.
		await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished)).then(() => {})');
		await page.screenshot({ path: join(SCREENSHOTS, `inspector-${name}-${where}.png`), fullPage: true });
		found.push(...(await axeFindings(page)).map((finding) => `${where}: ${finding}`));
		const pixels = await overflow(page);
		if (pixels > 0) found.push(`${where}: ${pixels} px too wide`);
	};
	const click = (button: string) => page.getByRole('button', { name: button, exact: true }).click();
	const field = page.getByLabel('API key, or a key for one session');
	await field.fill('rt_test_0000');
	await click('Sign in');
	await page.getByRole('alert').getByText('not valid').waitFor();
	await look('sign-in');
	await field.fill(session.key);
	await click('Sign in');
	await page.getByRole('link', { name: id }).waitFor();
	await look('list');
	await page.getByRole('link', { name: id }).click();
	await untilLive(page);
	await page.getByRole('listbox', { name: 'Events' }).getByText('step 39').click();
	await page.getByRole('region', { name: 'tool.call' }).getByText('"number"').waitFor();
	await look('event');
	await page.getByRole('listbox', { name: 'Events' }).getByText('broken').click();
	await page.getByRole('region', { name: 'tool.failed' }).getByText('"why"').waitFor();
	await look('failure');
	await page.getByRole('tab', { name: 'PRD' }).click();
	await page.getByLabel('Search in PRD').fill('assistant');
	await look('session');
	for (const [opener, where] of [
		['Append an event', 'append'],
		['Keys', 'keys'],
		['Delete', 'delete'],
	] as const) {
		await click(opener);
		if (where === 'keys') await click('Make a key');
		if (where === 'keys')
			await page
				.getByRole('dialog')
				.getByText(/^rt_test_/)
				.waitFor();
		await look(where);
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
	}
	await click('Edit');
	await page.getByRole('textbox', { name: 'as JSON' }).press('Control+a');
	await page.keyboard.insertText('{"title":"mine"}');
	await client.update(id, { prd: { title: 'theirs' } });
	await page.getByText('Somebody has changed the same part').waitFor();
	await look('edit');
	await page.getByRole('button', { name: 'Save my change' }).hover();
	await look('under-the-pointer');
	await click('Save my change');
	await page.getByRole('alert').getByText('Nothing was overwritten').waitFor();
	await look('conflict');
	await click('Discard my changes');
	return found;
}

describe('the inspector, for everyone', () => {
	it.each([
		['light', { colorScheme: 'light' }],
		['dark', { colorScheme: 'dark' }],
		['phone', { colorScheme: 'light', viewport: PHONE, hasTouch: true }],
		['phone-dark', { colorScheme: 'dark', viewport: PHONE, hasTouch: true }],
	] as const)('has nothing that axe-core finds, and fits its width: %s', async (name, options) => {
		const session = await newSession();
		const { page } = await at.open({}, options);
		expect(await findingsOf(page, session, name)).toEqual([]);
	});

	it('has nothing that axe-core finds in a session in which nothing has happened yet', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByText('No event yet.').waitFor();
		expect(await axeFindings(page)).toEqual([]);
	});

	it('is used by keyboard alone', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		for (const type of ['first', 'second']) await client.append(id, { type });
		const { page } = await at.open();
		const press = (...keys: string[]) =>
			keys.reduce(async (before, one) => {
				await before;
				await page.keyboard.press(one);
			}, Promise.resolve());
		/** Goes on with Tab until the focus is on what has this name. */
		async function tabTo(name: string): Promise<void> {
			const names: string[] = [];
			for (let presses = 0; presses < 60; presses += 1) {
				await press('Tab');
				const focused = await page.evaluate<{ name: string; isVisible: boolean }>(FOCUSED);
				names.push(focused.name);
				if (focused.name !== 'Inspector' && names.length > 1)
					expect(focused).toMatchObject({ isVisible: true });
				if (focused.name.includes(name)) return;
			}
			throw new Error(`The focus does not reach ${name}: ${names.join(', ')}`);
		}
		await page.getByLabel('API key, or a key for one session').focus();
		await page.keyboard.insertText(key);
		await press('Enter');
		await page.getByRole('link', { name: id }).waitFor();
		await tabTo(id);
		await press('Enter');
		await untilLive(page);

		await tabTo('Append an event');
		await press('Enter');
		await page.getByRole('dialog').waitFor();
		await tabTo('Payload');
		await press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Append an event');

		await tabTo('Events, oldest first');
		await press('Home', 'ArrowDown');
		await page.getByRole('heading', { name: 'second' }).waitFor();
		await expect
			.poll(() => eventRow(page, 'second').and(page.locator('[aria-selected=true]')).count())
			.toBe(1);
		await tabTo('Event');
		await press('ArrowRight', 'ArrowRight');
		await page.getByText('No plan yet.').waitFor();
		await press('ArrowLeft');
		await tabTo('Edit');
		await press('Enter');
		await page.locator('.cm-content:focus').waitFor();
		await press('Control+Home', 'ArrowRight');
		await page.keyboard.insertText('"edited": true,');
		await tabTo('Save my change');
		await press('Enter');
		await page.getByRole('button', { name: 'Edit' }).waitFor();
		await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Edit');
		expect((await client.get(id)).prd).toEqual({ edited: true, title: 'Support assistant' });
	});

	it('lists the keys of the page, each beside what it does', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.keyboard.press('?');
		await page.getByRole('dialog').getByText('This list').waitFor();
		const covered = await page.evaluate<string[]>(`[...document.querySelectorAll('.shortcuts kbd')]
			.filter((key) => key.getBoundingClientRect().right > key.closest('div').querySelector('dd').getBoundingClientRect().left)
			.map((key) => key.textContent)`);
		expect(covered).toEqual([]);
	});

	it('skips the list of sessions on the way to the session', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.locator('body').press('Tab');
		await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Skip to the session');
		await page.keyboard.press('Enter');
		await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('session-title');
	});

	it('shows what is selected where the reader has chosen the colours', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.append(id, { type: 'first' });
		const { page } = await at.open({ key, session: id }, { forcedColors: 'active' });
		await untilLive(page);
		await eventRow(page, 'first').click();
		for (const selected of ['.event[aria-selected="true"]', '.row[aria-current]']) {
			const style = await page.evaluate(
				`getComputedStyle(document.querySelector('${selected}')).outlineStyle`,
			);
			expect([selected, style]).toEqual([selected, 'solid']);
		}
	});

	it('is large enough for a finger on a phone', async () => {
		const { key, id } = await newSession();
		const { page } = await at.open({ key, session: id }, { viewport: PHONE, hasTouch: true });
		await untilLive(page);
		const small = await page.evaluate<string[]>(`[...document.querySelectorAll('button, input, select')]
			.filter((each) => each.offsetParent && !each.classList.contains('skip') && (each.offsetHeight < 44 || parseFloat(getComputedStyle(each).fontSize) < 16))
			.map((each) => each.outerHTML.slice(0, 80))`);
		expect(small).toEqual([]);
		const links = await page.evaluate<string[]>(`[...document.querySelectorAll('a')]
			.filter((each) => each.offsetParent && !each.classList.contains('skip') && Math.min(each.offsetHeight, each.offsetWidth) < 24)
			.map((each) => each.outerHTML.slice(0, 80))`);
		expect(links).toEqual([]);
	});

	it('says what goes on before what one can do, on a phone', async () => {
		const { key, id } = await newSession();
		const { page } = await at.open({ key, session: id }, { viewport: PHONE, hasTouch: true });
		await untilLive(page);
		const topOf = async (selector: string) => (await page.locator(selector).boundingBox())?.y ?? 0;
		expect(await topOf('.verdict')).toBeLessThan(await topOf('.actions'));
		expect(await topOf('.actions')).toBeLessThan(await topOf('.workbench'));
	});

	it('lets the keyboard reach all of a long reason', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.append(id, { type: 'tool.failed', message: 'It broke again.\n'.repeat(40) });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('button', { name: 'Show', exact: true }).click();
		await page.getByRole('region', { name: 'Reason' }).waitFor();
		expect(await axeFindings(page, ['scrollable-region-focusable'])).toEqual([]);
	});

	it('is on paper with all of its stages', async () => {
		const { key, client } = await at.newUser();
		const id = await generateManyStages(client);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.locator('.lane-label', { hasText: 'name-39' }).waitFor();
		await expect.poll(() => page.locator('.lane-label').count()).toBeLessThan(40);
		await page.emulateMedia({ media: 'print' });
		await expect.poll(() => page.locator('.lane-label').count()).toBe(40);
		await page.emulateMedia({ media: 'screen' });
		await expect.poll(() => page.locator('.lane-label').count()).toBeLessThan(40);
	});
});

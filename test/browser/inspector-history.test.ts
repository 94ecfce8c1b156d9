import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { eventRow, inspected, untilLive } from '../support/inspector.ts';

const at = inspected();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const panel = (page: Page) => page.getByRole('tabpanel');

/** A session whose plan changed twice, each time after an event. */
async function newSession() {
	const { key, client } = await at.newUser();
	const { id } = await client.create({ prd: { title: 'first' } });
	await client.step(id, { events: [{ type: 'planned' }], patch: { plan: { state: 'pending', parts: [1] } } });
	await client.step(id, {
		events: [{ type: 'built' }],
		patch: { status: 'generating', plan: { state: 'built' } },
	});
	await client.update(id, { plan: { state: 'shipped' } });
	return { key, client, id };
}

describe('the slider through time', () => {
	it('shows an object at each version, and what changed', async () => {
		const { key, id } = await newSession();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('tab', { name: 'Plan' }).click();
		const slider = page.getByRole('slider', { name: 'Version' });
		await panel(page).getByText('"shipped"').waitFor();
		await slider.press('ArrowLeft');
		await panel(page).locator('del', { hasText: '"pending"' }).waitFor();
		await panel(page).locator('ins', { hasText: '"built"' }).waitFor();
		await page.getByText('version 3, ').waitFor();
		await expect.poll(() => button(page, 'Edit').count()).toBe(0);
		await page.getByLabel('Compare with').selectOption('Changes until now');
		await panel(page).locator('ins', { hasText: '"shipped"' }).waitFor();
		await button(page, 'Earlier version').click();
		await panel(page).getByText('"pending"').first().waitFor();
		// Any two: of versions 2 and 4, each from the other.
		const comparison = page.getByLabel('Compare with');
		await comparison.selectOption({ value: '4' });
		await panel(page).locator('del', { hasText: '"pending"' }).waitFor();
		await panel(page).locator('ins', { hasText: '"shipped"' }).waitFor();
		await slider.press('ArrowRight');
		await comparison.selectOption({ value: '2' });
		await panel(page).locator('ins', { hasText: '"built"' }).waitFor();
		await button(page, 'Back to now').click();
		await panel(page).getByText('"shipped"').waitFor();
		await button(page, 'Edit').waitFor();
	});

	it('moves with the selected event', async () => {
		const { key, id } = await newSession();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByRole('slider', { name: 'Version' }).waitFor();
		await eventRow(page, 'planned').click();
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByText('version 2, ').waitFor();
		await panel(page).getByText('"pending"').first().waitFor();
		await page.locator('#session-title').focus();
		await page.keyboard.press('Escape');
		await page.getByRole('tab', { name: 'Plan' }).click();
		await panel(page).getByText('"shipped"').waitFor();
	});

	it('stays after a reload, and shows each object as it was then', async () => {
		const { key, client, id } = await newSession();
		await client.update(id, { prd: { title: 'second' } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByRole('slider', { name: 'Version' }).press('ArrowLeft');
		await page.getByText('version 3, ').waitFor();
		await page.getByLabel('Compare with').selectOption({ value: '2' });
		await page.reload();
		await page.getByText('version 3, ').waitFor();
		await panel(page).locator('del', { hasText: '"pending"' }).waitFor();
		await page.getByRole('tab', { name: 'PRD' }).click();
		await page.getByText('version 1, ').waitFor();
		await panel(page).getByText('"first"').first().waitFor();
		// Another event moves it.
		await eventRow(page, 'planned').click();
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByText('version 2, ').waitFor();
	});

	it('goes on from a version: in the session, and in a new one', async () => {
		const { key, client, id } = await newSession();
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByRole('slider', { name: 'Version' }).press('Home');
		await button(page, 'Later version').click();
		await panel(page).getByText('"pending"').first().waitFor();
		await button(page, 'Fork').click();
		await page.waitForURL((url) => !url.hash.includes(id));
		const forked = /session=(sess_\w+)/.exec(page.url())?.[1] ?? '';
		expect(await client.get(forked)).toMatchObject({ plan: { state: 'pending', parts: [1] }, events: [] });

		await page.goBack();
		await page.getByRole('tab', { name: 'Plan' }).click();
		await page.getByRole('slider', { name: 'Version' }).press('ArrowLeft');
		await button(page, 'Restore').click();
		await button(page, 'Restore it').click();
		await expect.poll(async () => (await client.get(id)).plan).toEqual({ state: 'built', parts: [1] });
	});

	it('tells when the status changed', async () => {
		const { key, client, id } = await newSession();
		await client.update(id, { status: 'complete' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await expect
			.poll(() => page.locator('.axis .status title').allTextContents())
			.toEqual(expect.arrayContaining(['complete']));
	});
});

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { isOnline } from '../support/browser.ts';
import { eventRow, inspected, untilLive } from '../support/inspector.ts';
import { flood, generate, generateManyStages, HOSTILE, pause } from '../support/misbehaving-generator.ts';

const at = inspected();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const verdict = (page: Page) => page.getByRole('region', { name: 'What is going on' });

/** The length of time beside the name of a stage, in milliseconds. */
async function spent(page: Page, stage: string): Promise<number> {
	const text = await page.locator('.lane-label', { hasText: stage }).locator('.spent').innerText();
	const [, amount = '', unit] = /([\d.]+) (ms|s)$/.exec(text) ?? [];
	return Number(amount) * (unit === 's' ? 1000 : 1);
}

describe('what a session is doing', () => {
	it('is said in one line, with what failed and why, and one jumps from failure to failure', async () => {
		const { key, client } = await at.newUser();
		const id = await generate(client);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await verdict(page).getByText('build:search').first().waitFor();
		await verdict(page).getByText('6 of 7 built').waitFor();
		await verdict(page)
			.getByText("TypeError: Cannot read properties of undefined (reading 'secret')")
			.waitFor();
		await button(page, 'Show').click();
		const detail = page.getByRole('region', { name: 'module.failed' });
		await detail.getByText('at sign (webhooks/sign.ts:18:24)').first().waitFor();
		// The stack is a text of several lines, not one line with \n.
		await expect
			.poll(() => detail.getByRole('region', { name: 'stack' }).innerText())
			.toMatch(/'secret'\)\n\s+at sign/);
		await expect.poll(() => page.title()).toBe('● generating · Bicycle shop');

		await client.append(id, { type: 'tool.result', stage: 'build:search', payload: { error: 'No network' } });
		await verdict(page).getByText('No network').waitFor();
		await page.locator('#session-title').focus();
		await page.keyboard.press('f');
		await page.getByRole('heading', { name: 'tool.result' }).waitFor();
		await page.keyboard.press('f');
		await page.getByRole('heading', { name: 'module.failed' }).waitFor();
		// The second key comes before the page with the next failure is painted.
		await page.evaluate(`{
			const press = () => dispatchEvent(new KeyboardEvent('keydown', { key: 'f' }));
			const observer = new MutationObserver(() => {
				if (![...document.querySelectorAll('h3')].some((each) => each.textContent.includes('tool.result'))) return;
				observer.disconnect();
				press();
				window.pressedTwice = true;
			});
			observer.observe(document.body, { subtree: true, childList: true, characterData: true });
			press();
		}`);
		await expect.poll(() => page.evaluate('window.pressedTwice')).toBe(true);
		await page.getByRole('heading', { name: 'module.failed' }).waitFor();
		await page.getByLabel('Filter by type').selectOption('✖ Failures (2)');
		await expect
			.poll(() => page.locator('.event .type').allInnerTexts())
			.toEqual(['✖ module.failed', '✖ tool.result']);
		await client.update(id, { status: 'failed' });
		await verdict(page).getByText('Failed', { exact: true }).first().waitFor();
		await expect.poll(() => page.title()).toBe('✖ failed · Bicycle shop');
	});

	it('has its failures within reach, however long their reasons and stages are', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		for (const message of [HOSTILE.rightToLeft.repeat(20), 'word '.repeat(300)]) {
			await client.append(id, { type: 'step.failed', stage: 'a stage with a long name '.repeat(8), message });
		}
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const next = page.getByRole('button', { name: 'Next of 2' });
		const box = await next.boundingBox();
		expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(1440);
		expect(await page.evaluate("document.querySelector('main').scrollWidth")).toBe(
			await page.evaluate("document.querySelector('main').clientWidth"),
		);
	});

	/** A session that has just told of something. */
	async function newTold() {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.update(id, { status: 'generating' });
		await client.append(id, { type: 'note' });
		return { key, session: id };
	}

	it('is no stall while the clock of the browser is wrong', async () => {
		const told = await newTold();
		const { page } = await at.open();
		await page.addInitScript(`{
			const real = Date.now;
			Date.now = () => real() + 300_000;
		}`);
		await page.goto('about:blank');
		await page.goto(`${at.server.url}/inspector#${new URLSearchParams(told)}`);
		await untilLive(page);
		await verdict(page)
			.getByText(/last event \d\d? s ago: note/)
			.waitFor();
		expect(await verdict(page).getByText('Quiet for').count()).toBe(0);
	});

	it.runIf(isOnline)('is no stall while the browser is offline', async () => {
		const { page } = await at.open(await newTold());
		await untilLive(page);
		await page.context().setOffline(true);
		await verdict(page)
			.getByText(/Events until [\d:]+; reconnecting/)
			.waitFor();
		await page.context().setOffline(false);
		await untilLive(page);
	});
});

describe('a generator with words of its own', () => {
	it('is at work when it changes its session, although it tells of nothing', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await client.update(id, { status: 'generating' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await verdict(page).getByText('no event yet').waitFor();
		await client.merge(id, { plan: { step: 1 } });
		await verdict(page)
			.getByText(/changed \d+ s ago/)
			.waitFor();
	});

	it('says what it does, what failed and what changed, although it only changes its session', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Patched' } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const module = (name: string, state: object) =>
			client.merge(id, { plan: { modules: { [name]: state } } });
		await module('auth', { state: 'built' });
		await client.merge(id, { assemblyState: { progress: 50 } });
		await module('billing', { state: 'failed', error: 'Three tests fail.' });
		await verdict(page)
			.getByText(/Plan changed \d+ s ago/)
			.waitFor();
		await verdict(page).getByText('Failed modules.billing of Plan: Three tests fail.').waitFor();
		await button(page, 'Show').click();
		await page.getByRole('tab', { name: 'Plan', selected: true }).waitFor();
		await page.getByText('"Three tests fail."').waitFor();

		await expect
			.poll(() => page.locator('.lanes .stage').allTextContents())
			.toEqual(['Plan', 'Assembly state']);
		const bars = await page.locator('.bars').boundingBox();
		await page.locator('.plot').click({ position: { x: 1, y: 42 + 11 } });
		await page.getByRole('combobox', { name: 'Compare with' }).waitFor();
		await page.locator('.changes', { hasText: '{"auth":{"state":"built"}}' }).waitFor();
		expect(bars?.height).toBeGreaterThan(40);

		await module('billing', { state: 'built', error: null });
		await verdict(page).getByText('Failed').waitFor({ state: 'detached' });
	});

	it('has its newest version on the slider, although it changes its session all the time', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create({ prd: { title: 'Never still' } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		let step = 0;
		const slider = page.getByRole('slider', { name: 'Version' });
		// It never pauses for as long as the page waits for further changes.
		const isThere = async () => {
			step += 1;
			await client.merge(id, { plan: { step } });
			return (await slider.count()) > 0;
		};
		await page.getByRole('tab', { name: 'Plan' }).click();
		await expect.poll(isThere).toBe(true);
	});

	it('is understood by its payloads, where its types tell of nothing', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const log = (level: string, service: string, msg: string) =>
			client.append(id, { type: 'log', payload: { level, service, msg } });
		await log('info', 'planner', 'loading the catalogue');
		await log('fatal', 'renderer', 'out of memory');
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await verdict(page).getByText('Failed log in renderer: out of memory').waitFor();
		const row = page.locator('.event').first();
		expect((await row.innerText()).split('\n').slice(1)).toEqual(['log', 'planner', 'loading the catalogue']);
		await expect.poll(() => page.locator('.lanes .stage').allTextContents()).toEqual(['planner', 'renderer']);
		await page.getByLabel('Filter events').fill('catalogue');
		await expect.poll(() => page.locator('.event').count()).toBe(1);
	});

	it('has rows and stages that one can tell apart, on a narrow screen as well', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		const names = ['Hero.21', 'Hero.22', 'Reviews.23'];
		for (const name of names) {
			const stage = `generate.component.ProductDetailPage.${name}`;
			await client.append(id, { type: 'task.started', stage });
			await client.append(id, { type: 'task.rejected', stage });
		}
		for (const viewport of [undefined, { width: 360, height: 740 }]) {
			const { page } = await at.open({ key, session: id }, viewport && { viewport });
			await untilLive(page);
			await verdict(page).getByText('Failed task.rejected in …Reviews.23').waitFor();
			const tails = page.locator('.stage .tail');
			await expect.poll(() => tails.count()).toBe(9);
			const cut = await page.evaluate<string[]>(`[...document.querySelectorAll('.stage .tail, .event .type')]
				.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)`);
			expect(cut).toEqual([]);
		}
	});
});

describe('where the time went', () => {
	it('is told for stages that overlap, and for each attempt', async () => {
		const { key, client } = await at.newUser();
		const id = await generate(client);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await verdict(page).getByText('6 of 7 built').waitFor();
		for (const name of ['auth', 'billing', 'catalogue']) {
			// Each of them took at least its three calls, although all ran at once.
			expect([name, (await spent(page, `build:${name}`)) >= 270]).toEqual([name, true]);
		}
		expect(await spent(page, 'build:inbox')).toBeGreaterThan(900);
		await expect
			.poll(() => page.locator('.lane-label', { hasText: 'build:webhooks' }).innerText())
			.toContain('#2');
		await expect.poll(() => page.locator('.span.failed').count()).toBe(1);
		await expect.poll(() => page.locator('.span.open').count()).toBe(1);
		await expect.poll(() => page.locator('.plot .failure').count()).toBe(1);
	});

	it('is looked at closely by dragging, and the list follows; the address keeps it', async () => {
		const { key, client } = await at.newUser();
		const id = await generate(client);
		await client.update(id, { status: 'complete' });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await verdict(page).getByText('Complete').waitFor();
		const all = await page.locator('.event').count();
		const box = await page.locator('.plot').boundingBox();
		if (!box) throw new Error('The timeline is not there.');
		await page.mouse.move(box.x + 5, box.y + 80);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.1, box.y + 80, { steps: 4 });
		await page.mouse.up();
		await page.getByText('in the time that the timeline shows').waitFor();
		await expect.poll(() => page.locator('.event').count()).toBeLessThan(all);
		// The status that came later is not that of this time.
		await expect.poll(() => page.locator('.status.complete').count()).toBe(0);
		await expect.poll(() => page.url()).toMatch(/from=\d+&to=\d+/);
		const address = page.url();
		await page.reload();
		await page.getByText('in the time that the timeline shows').waitFor();
		await expect.poll(() => page.url()).toBe(address);
		await button(page, 'Show all').click();
		await expect.poll(() => page.url()).not.toContain('from=');
	});

	it('is found among forty stages: the newest one is in view, and the longest can come first', async () => {
		const { key, client } = await at.newUser();
		const id = await generateManyStages(client);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await page.locator('.lane-label', { hasText: 'name-39' }).waitFor();
		const label = page.locator('.lane-label', { hasText: 'name-39' });
		await expect
			.poll(async () => {
				const [row, lanes] = [await label.boundingBox(), await page.locator('.lanes').boundingBox()];
				return row && lanes && row.y + row.height <= lanes.y + lanes.height;
			})
			.toBe(true);
		await page.getByLabel('Order of the stages').selectOption('Longest first');
		await page.locator('.lanes').evaluate((box) => box.scrollTo(0, 0));
		await page.locator('.lane-label.open').first().waitFor();
		// Nothing of the texts was carried out, and each character of them is seen.
		expect(await page.evaluate('window.__xss')).toBeUndefined();
		await page.getByLabel('Filter events').fill(HOSTILE.reordered.slice(0, 3));
		await page.getByText('⟨U+202E⟩detrevni').first().waitFor();
	});
});

describe('a workbench', () => {
	it('stays still under the pointer while twenty events a second arrive, and says how many are new', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await flood(client, id, 200);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await eventRow(page, 'message 199.').waitFor();
		let isOver = false;
		const arriving = (async () => {
			for (let number = 200; !isOver; number += 1) {
				await client.append(id, { type: 'tick', message: `message ${number}.` });
				await pause(30);
			}
		})();
		for (const number of [198, 195, 197, 194, 196]) {
			const row = page.getByRole('option', { name: `message ${number}.` });
			await row.click();
			await expect.poll(() => row.getAttribute('aria-selected')).toBe('true');
			await page.locator('.event-detail').getByText(`message ${number}.`).waitFor();
		}
		await page.getByRole('button', { name: /Paused: \d+ new ↓/ }).waitFor();
		await page.mouse.move(0, 0);
		isOver = true;
		await arriving;
	});

	it('goes on to be followed when the list gets lower, as beside a new line about a failure', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await flood(client, id, 100);
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await button(page, 'Following').waitFor();
		// The browser may tell of an earlier move of the list before the page knows of its new height.
		await page.evaluate(`{
			const list = document.querySelector('.event-rows');
			list.style.flex = '0 0 120px';
			list.dispatchEvent(new Event('scroll'));
		}`);
		await eventRow(page, 'message 99.').waitFor();
		await client.append(id, { type: 'last' });
		await eventRow(page, 'last').waitFor();
		expect(await button(page, 'Following').count()).toBe(1);
		await page.evaluate(`document.querySelector('.event-rows').scrollTop -= 60`);
		await button(page, 'Paused: follow ↓').waitFor();
	});

	it('has its list in the same place while the pointer is over it, also where there is little room', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await flood(client, id, 40);
		const { page } = await at.open({ key, session: id }, { viewport: { width: 360, height: 740 } });
		await untilLive(page);
		const list = page.getByRole('listbox', { name: 'Events' });
		await list.scrollIntoViewIfNeeded();
		await page.mouse.move(0, 0);
		await page.getByRole('button', { name: 'Following' }).waitFor();
		const box = await list.boundingBox();
		if (!box) throw new Error('The list is not shown.');
		await page.mouse.move(box.x + 100, box.y + 2);
		await page.getByRole('button', { name: 'Paused' }).waitFor();
		expect(await list.boundingBox()).toEqual(box);
		await flood(client, id, 1);
		await page.getByRole('button', { name: 'Paused: 1 new ↓' }).waitFor();
		expect(await list.boundingBox()).toEqual(box);
	});

	it('keeps in the address what somebody looks at', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		for (const type of ['first', 'second', 'third']) await client.append(id, { type, payload: { is: type } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await eventRow(page, 'second').click();
		await page.getByLabel('Filter events').fill('second');
		await page.reload();
		await untilLive(page);
		await page.getByRole('heading', { name: 'second' }).waitFor();
		await page.getByText('"second"').waitFor();
		await expect.poll(() => page.locator('.event .type').allInnerTexts()).toEqual(['second']);
		await page.getByRole('tab', { name: 'Plan' }).click();
		await expect.poll(() => page.url()).toMatch(/event=2&tab=plan&text=second/);
	});

	it('follows a link to another event of the session that is shown', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		for (const type of ['first', 'second', 'third']) await client.append(id, { type, payload: { is: type } });
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		await eventRow(page, 'second').click();
		await page.evaluate(`location.hash = '#session=${id}&event=3'`);
		await page.getByRole('heading', { name: 'third' }).waitFor();
		await page.goBack();
		await page.getByRole('heading', { name: 'second' }).waitFor();
	});

	it('says that an address names no session, and sends nothing', async () => {
		const { key } = await at.newUser();
		const { page, requests } = await at.open({ key, session: 'a b' });
		await page.getByRole('alert').getByText('“a b” is not the id of a session').waitFor();
		expect(requests.filter((url) => url.includes('a%20b') || url.includes('a+b'))).toEqual([]);
	});

	it('downloads the session and its events exactly as they are stored', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await fetch(`${at.server.url}/v1/products/generation/sessions/${id}/events`, {
			method: 'POST',
			headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
			body: '{"type":"priced","payload":{"2":1.50,"1":12345678901234567890}}',
		});
		const { page } = await at.open({ key, session: id });
		await untilLive(page);
		const download = async (what: string) => {
			const [file] = await Promise.all([
				page.waitForEvent('download'),
				page.getByLabel('Download').selectOption(what),
			]);
			const chunks: Buffer[] = [];
			for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
			return Buffer.concat(chunks).toString();
		};
		expect(await download('Events as NDJSON')).toMatch(
			/^\{.*"payload":\{"2":1\.50,"1":12345678901234567890\}.*\}\n$/,
		);
		expect(JSON.parse(await download('Session as JSON'))).toMatchObject({ id, status: 'intake' });
	});

	it('reads the newest events first, and the past behind them', async () => {
		const { key, client } = await at.newUser();
		const { id } = await client.create();
		await flood(client, id, 1200, { text: 'x'.repeat(500) });
		const { page, requests } = await at.open();
		let release = () => {};
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		await page.route(/order=desc.*after=|after=.*order=desc/, async (route) => {
			await held;
			await route.continue();
		});
		await page.goto('about:blank');
		await page.goto(`${at.server.url}/inspector#${new URLSearchParams({ key, session: id })}`);
		await untilLive(page);
		await eventRow(page, 'message 1199.').waitFor();
		await page.getByText('reading 1,180 earlier ones').waitFor();
		await client.append(id, { type: 'live' });
		await eventRow(page, 'live').waitFor();
		release();
		await page.getByText('earlier ones').waitFor({ state: 'detached' });
		const list = page.getByRole('listbox', { name: 'Events' });
		await list.focus();
		await list.press('Home');
		await eventRow(page, 'message 0.').waitFor();
		// It never reads the whole session again.
		expect(
			requests.filter((url) => url.includes(`${id}?`) && url.includes('plan')).length,
		).toBeLessThanOrEqual(1);
	});
});

import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { webhooksOf } from '../../src/client/webhooks.ts';
import { SCREENSHOTS } from '../support/browser.ts';
import { type HttpReceiver, startReceiver } from '../support/http-receiver.ts';
import { axeFindings, inspected } from '../support/inspector.ts';

const at = inspected({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
const keyField = 'API key, or a key for one session';

const receivers: HttpReceiver[] = [];
afterAll(async () => {
	for (const receiver of receivers) await receiver.close();
});

/** A receiver that answers with a status, which a test may change. */
async function receiverWith(status: number) {
	const state = { status };
	const receiver = await startReceiver((_, response) => void response.writeHead(state.status).end());
	receivers.push(receiver);
	return {
		url: receiver.url,
		arrived: receiver.arrived,
		answer(next: number) {
			state.status = next;
		},
	};
}

/** A user with webhooks. `failed` waits until so many messages to one of them have failed. */
async function newHooked() {
	const { key, client } = await at.newUser();
	const webhooks = webhooksOf(client);
	return {
		key,
		client,
		webhooks,
		async add(url: string, events = ['event:*']) {
			return (await webhooks.create({ url, events })).id;
		},
		failed: (id: string, count: number) =>
			expect.poll(async () => (await webhooks.deliveries(id)).data.length).toBe(count),
	};
}

/** Signs in at the address of the webhooks, or of one of them. */
async function openWebhooks(key: string, id = '', options: BrowserContextOptions = {}): Promise<Page> {
	const { page } = await at.open({ webhooks: id }, options);
	await page.getByLabel(keyField).fill(key);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();
	return page;
}

/** Opens a webhook to a receiver that has answered its one message with a status. */
async function openWithFailure(status: number) {
	const receiver = await receiverWith(status);
	const { key, client, add, failed } = await newHooked();
	const webhookId = await add(receiver.url);
	const { id } = await client.create();
	await client.append(id, { type: 'plan.ready' });
	await failed(webhookId, 1);
	return { receiver, page: await openWebhooks(key, webhookId) };
}

const card = (page: Page, url: string) =>
	page.getByRole('article').getByRole('region', { name: url, exact: false });
const sendAgain = (page: Page) => page.getByRole('button', { name: /^Send again: / });

describe('the webhooks in the inspector', () => {
	it('are mentioned wherever one is, when a message of theirs did not arrive', async () => {
		const [fine, failing] = [await receiverWith(204), await receiverWith(503)];
		const { key, client, add, failed } = await newHooked();
		await add(fine.url);
		const { id } = await client.create();
		const failingId = await add(failing.url);
		await client.append(id, { type: 'plan.ready' });
		await failed(failingId, 1);
		const { page } = await at.open({ key, session: id });
		await page.getByRole('banner').getByRole('link', { name: 'Webhooks ✖ 1' }).waitFor();
	});

	it('say where they lead, what they tell of, and how they are', async () => {
		const [fine, failing, gone] = [await receiverWith(204), await receiverWith(503), await receiverWith(410)];
		const { key, client, webhooks, add, failed } = await newHooked();
		const fineId = await add(`${fine.url}/fine`, ['session.created', 'event:input.*']);
		const failingId = await add(`${failing.url}/failing`);
		const goneId = await add(`${gone.url}/gone`);
		await webhooks.rotateSecret(fineId);
		const { id } = await client.create();
		await client.append(id, { type: 'input.approved' });
		await failed(failingId, 1);
		await failed(goneId, 1);

		const { page } = await at.open({ key });
		await page.getByRole('link', { name: 'Webhooks' }).click();
		const works = card(page, '/fine');
		await works.getByText('works', { exact: true }).waitFor();
		await works.getByText('Tells of session.created, event:input.*').waitFor();
		await works.getByText('The secret before the present one signs for 23 h more').waitFor();
		await card(page, '/failing').getByText('failing', { exact: true }).waitFor();
		await card(page, '/failing').getByText('1 message has not arrived and will be tried again.').waitFor();
		await card(page, '/failing').getByText('the endpoint answered 503').waitFor();
		await card(page, '/gone').getByText('disabled', { exact: true }).waitFor();
		await card(page, '/gone').getByText('The endpoint answered 410 (Gone).').waitFor();
		await expect.poll(() => page.title()).toBe('Webhooks');
		// No secret is anywhere.
		const kept = await page.evaluate<string>(
			'JSON.stringify([document.documentElement.outerHTML, { ...sessionStorage }, { ...localStorage }, document.cookie])',
		);
		expect(kept).not.toContain('whsec_');
	});

	it('have an address of their own, which survives a reload, and which leads to sessions', async () => {
		const failing = await receiverWith(500);
		const { key, client, add, failed } = await newHooked();
		const webhookId = await add(failing.url);
		const { id } = await client.create();
		await client.append(id, { type: 'note' });
		await client.append(id, { type: 'plan.ready' });
		await failed(webhookId, 2);
		const page = await openWebhooks(key);
		await page.getByRole('link', { name: failing.url }).click();
		// The second try comes after five seconds, before a slow browser shows the first.
		await page
			.getByText(/(One try:|at the last one) the endpoint answered 500\./)
			.first()
			.waitFor();
		await expect.poll(() => page.url()).toBe(`${at.server.url}/inspector#webhooks=${webhookId}`);
		await page.reload();
		// The newest one is first.
		const first = page
			.getByRole('listitem')
			.filter({ has: page.getByRole('button') })
			.first();
		await first.getByText('event:plan.ready').waitFor();
		await first.getByRole('link', { name: id }).click();
		await page.getByRole('region', { name: 'plan.ready' }).waitFor();
		await expect.poll(() => page.url()).toContain(`#session=${id}&event=2`);
		await page.goBack();
		await first.waitFor();
		await page.getByRole('link', { name: failing.url }).click();
		await first.waitFor({ state: 'detached' });
		await expect.poll(() => page.url()).toBe(`${at.server.url}/inspector#webhooks=`);
	});

	it('send a message again, say what became of it, and keep the focus', async () => {
		const { receiver, page } = await openWithFailure(500);
		// Until its second try it is due after five seconds, and then after five minutes.
		await page.getByText('2 tries: at the last one the endpoint answered 500. Next try in').waitFor();
		await sendAgain(page).focus();
		await page.keyboard.press('Enter');
		await page.getByText('event:plan.ready failed again: the endpoint answered 500.').waitFor();
		await page.getByText('3 tries').waitFor();
		receiver.answer(204);
		await sendAgain(page).press('Enter');
		await page.getByText('event:plan.ready has arrived.').waitFor();
		await expect.poll(() => sendAgain(page).count()).toBe(0);
		await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('Not arrived');
		await page.getByText('Nothing has failed.').waitFor();
		expect(new Set(receiver.arrived.map((message) => message.id)).size).toBe(1);
	});

	it('send all again that failed since a time', async () => {
		const receiver = await receiverWith(500);
		const { key, client, add, failed } = await newHooked();
		const webhookId = await add(receiver.url);
		const { id } = await client.create();
		const events = Array.from({ length: 25 }, (_, number) => ({ type: `note.${number}` }));
		await client.step(id, { events });
		await expect.poll(() => receiver.arrived.length).toBeGreaterThan(0);
		const page = await openWebhooks(key, webhookId);
		// All of them have had two tries, and wait for minutes.
		await expect.poll(() => receiver.arrived.length).toBe(50);
		await page.getByRole('button', { name: 'Load more' }).click();
		await expect.poll(() => sendAgain(page).count()).toBe(25);
		await failed(webhookId, 20);
		receiver.answer(204);
		await page.getByRole('button', { name: 'Send all again…' }).click();
		const dialog = page.getByRole('dialog', { name: 'Send all again' });
		expect(await axeFindings(page)).toEqual([]);
		await dialog.getByLabel('Everything that has happened since').fill('2099-01-01T00:00');
		await dialog.getByRole('button', { name: 'Send again' }).click();
		await page.getByText('0 messages are sent again now.').waitFor();
		await page.getByRole('button', { name: 'Send all again…' }).click();
		await dialog.getByRole('button', { name: 'Send again' }).click();
		await page.getByText('25 messages are sent again now.').waitFor();
		await page.getByText('Nothing has failed.').waitFor();
		expect(new Set(receiver.arrived.map((message) => message.id)).size).toBe(25);
	});

	it('are enabled again, and send what has waited', async () => {
		const { receiver, page } = await openWithFailure(410);
		await page.getByText('Sent once the webhook is enabled.').waitFor();
		await sendAgain(page).click();
		await page.getByText('event:plan.ready is sent once the webhook is enabled.').waitFor();
		receiver.answer(204);
		await page.getByRole('button', { name: 'Enable again' }).click();
		await page.getByText('Nothing has failed.').waitFor();
		expect(receiver.arrived).toHaveLength(2);
	});

	it('are tested', async () => {
		const receiver = await receiverWith(204);
		const { key, add } = await newHooked();
		const page = await openWebhooks(key, await add(receiver.url));
		await page.getByRole('button', { name: 'Send a test' }).click();
		await page.getByText(/The test arrived: the endpoint answered 204 after \d+ ms\./).waitFor();
		receiver.answer(500);
		await page.getByRole('button', { name: 'Send a test' }).click();
		await page.getByText('The test failed: the endpoint answered 500').waitFor();
		expect(receiver.arrived.map(({ text }) => JSON.parse(text).type)).toEqual([
			'webhook.test',
			'webhook.test',
		]);
	});

	it('cannot be seen with every key, and the page says so', async () => {
		const { key } = await at.newUser({ permissions: ['PRODUCTS:*'] });
		const page = await openWebhooks(key);
		await page.getByRole('alert').getByText('This key may not see webhooks.').waitFor();
		expect(await page.getByRole('link', { name: 'Webhooks' }).count()).toBe(0);
		// A key for webhooks alone sees no session.
		const { key: other } = await at.newUser({ permissions: ['WEBHOOKS:*'] });
		const second = await openWebhooks(other);
		await second.getByText('There is no webhook yet.').waitFor();
		expect(await second.getByRole('navigation').count()).toBe(0);
	});

	it('are said to be missing when the address names none of the caller', async () => {
		const { key } = await newHooked();
		const page = await openWebhooks(key, 'wh_unknown');
		await page.getByRole('alert').getByText('This key has no webhook “wh_unknown”').waitFor();
	});

	it('say when the service cannot be reached, and come back', async () => {
		const { key, add } = await newHooked();
		await add('http://127.0.0.1:9/never');
		const page = await openWebhooks(key);
		await card(page, '/never').waitFor();
		await page.route('**/v1/webhooks', (route) => route.abort());
		await page.getByRole('alert').getByText('cannot be reached').waitFor();
		await card(page, '/never').waitFor();
		await page.unroute('**/v1/webhooks');
		await page.getByRole('alert').getByText('cannot be reached').waitFor({ state: 'hidden' });
	});

	it.each([
		['light', { colorScheme: 'light' }],
		['dark', { colorScheme: 'dark' }],
		['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true }],
		['chosen', { forcedColors: 'active' }],
	] as const)('have nothing that axe-core finds, and fit their width: %s', async (name, options) => {
		const receiver = await receiverWith(500);
		const { key, client, add, failed } = await newHooked();
		const webhookId = await add(`${receiver.url}/${'long-path/'.repeat(20)}`);
		const { id } = await client.create({ prd: { title: 'Bicycle shop' } });
		await client.append(id, { type: '\u202e<b>hostile</b>'.repeat(12) });
		await failed(webhookId, 1);
		const page = await openWebhooks(key, webhookId, options);
		await page.getByText('⟨U+202E⟩<b>hostile</b>').first().waitFor();
		await page.screenshot({ path: join(SCREENSHOTS, `inspector-webhooks-${name}.png`), fullPage: true });
		expect(await axeFindings(page)).toEqual([]);
		expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
	});
});

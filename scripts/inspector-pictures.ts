/**
 * Makes the pictures of the inspector in the README and the documentation: `node scripts/inspector-pictures.ts`, after
 * `npm run build`. With `--all` it makes one of each kind of screen as well, in dist/screenshots.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../src/client/client.ts';
import { webhooksOf } from '../src/client/webhooks.ts';
import { openTab, SCREENSHOTS, startBrowser } from '../test/support/browser.ts';
import { type HttpReceiver, startReceiver } from '../test/support/http-receiver.ts';
import { generate, generateManyStages, pause } from '../test/support/misbehaving-generator.ts';
import { ROOT, type Server, startServer } from '../test/support/server.ts';

const SCREENS = {
	light: { width: 1440, height: 900 },
	dark: { width: 1440, height: 900 },
	phone: { width: 390, height: 844 },
	laptop: { width: 1366, height: 768 },
	wide: { width: 2560, height: 1440 },
} as const;

/** Makes a user of webhooks: one works, one fails, one is gone. Returns the key and the id of the one that fails. */
async function failingWebhooks(
	server: Server,
	receivers: HttpReceiver[],
): Promise<{ key: string; failing: string }> {
	const key = await server.newKey({ userId: 'user_maker' });
	const client = createClient({ baseUrl: server.url, token: key });
	const webhooks = webhooksOf(client);
	const add = async (path: string, status: number, events: string[]) => {
		const receiver = await startReceiver((_, response) => void response.writeHead(status).end());
		receivers.push(receiver);
		return (await webhooks.create({ url: `${receiver.url}/${path}`, events })).id;
	};
	await add('shop', 204, ['session.created', 'session.status_changed']);
	const failing = await add('billing', 503, ['session.status_changed', 'event:*']);
	await add('old-shop', 410, ['session.status_changed']);
	const { id } = await client.create({ prd: { title: 'Bicycle shop' } });
	await client.update(id, { status: 'generating' });
	for (const type of ['plan.ready', 'input.approved']) await client.append(id, { type });
	const missing = async () =>
		(await webhooks.deliveries(failing)).data.filter(({ tries }) => tries === 2).length;
	while ((await missing()) < 3) await pause(500);
	return { key, failing };
}

const receivers: HttpReceiver[] = [];
const server = await startServer({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
const browser = await startBrowser();
try {
	const key = await server.newKey({ userId: 'user_maker', organizationId: null });
	const client = createClient({ baseUrl: server.url, token: key });
	const many = await generateManyStages(client);
	const session = await generate(client);
	const isAll = process.argv.includes('--all');
	const names = Object.keys(SCREENS) as (keyof typeof SCREENS)[];
	for (const name of isAll ? names : (['light'] as const)) {
		const isPhone = name === 'phone';
		const { page, errors, close } = await openTab(browser, {
			viewport: SCREENS[name],
			colorScheme: name === 'dark' ? 'dark' : 'light',
			hasTouch: isPhone,
		});
		await page.goto(`${server.url}/inspector#${new URLSearchParams({ session })}`);
		await page.getByLabel('API key, or a key for one session').fill(key);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.locator('.connection.live').waitFor();
		await page.getByRole('button', { name: 'Show', exact: true }).click();
		await page.getByText('at sign (webhooks').first().waitFor();
		await page.mouse.move(0, 0);
		await page.screenshot({ path: join(SCREENSHOTS, `picture-${name}.png`), fullPage: isPhone });
		if (isAll) {
			await page.goto(`${server.url}/inspector#session=${many}`);
			await page.locator('.lane-label', { hasText: 'name-39' }).waitFor();
			await page.locator('.connection.live').waitFor();
			await page.getByRole('tab', { name: 'PRD' }).click();
			await page.getByText('"title"').waitFor();
			await page.screenshot({ path: join(SCREENSHOTS, `picture-many-${name}.png`), fullPage: isPhone });
		}
		// The page learns what a key may do by calls that fail.
		const unexpected = errors.filter((error) => !error.startsWith('Failed to load resource:'));
		if (unexpected.length > 0) throw new Error(unexpected.join('\n'));
		await close();
	}
	cpSync(join(SCREENSHOTS, 'picture-light.png'), join(ROOT, 'docs/inspector.png'));

	const { key: ownerKey, failing } = await failingWebhooks(server, receivers);
	const { page, close } = await openTab(browser, { viewport: { width: 1200, height: 640 } });
	await page.goto(`${server.url}/inspector#webhooks=${failing}`);
	await page.getByLabel('API key, or a key for one session').fill(ownerKey);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.getByText('plan.ready').waitFor();
	await page.getByRole('article').getByRole('link', { name: 'Bicycle shop' }).first().waitFor();
	await page.screenshot({ path: join(ROOT, 'docs/inspector-webhooks.png') });
	await close();
} finally {
	for (const receiver of receivers) await receiver.close();
	await browser.close();
	await server.close();
}

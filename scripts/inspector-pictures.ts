/**
 * Makes the pictures of the inspector in the README and the documentation: `node scripts/inspector-pictures.ts`, after
 * `npm run build`. With `--all` it makes one of each kind of screen as well, in dist/screenshots.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../src/client/client.ts';
import { openTab, SCREENSHOTS, startBrowser } from '../test/support/browser.ts';
import { generate, generateManyStages } from '../test/support/misbehaving-generator.ts';
import { ROOT, startServer } from '../test/support/server.ts';

const SCREENS = {
	light: { width: 1440, height: 900 },
	dark: { width: 1440, height: 900 },
	phone: { width: 390, height: 844 },
	laptop: { width: 1366, height: 768 },
	wide: { width: 2560, height: 1440 },
} as const;

const server = await startServer();
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
} finally {
	await browser.close();
	await server.close();
}

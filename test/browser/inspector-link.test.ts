import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { CHROMIUM } from '../support/browser.ts';
import { withDev } from '../support/dev.ts';
import { withFolder } from '../support/server.ts';
import { HANGS_AFTER_MS } from '../support/until.ts';

const keyField = 'API key, or a key for one session';

/** The files below a folder that contain a text, in one of the encodings in which Chromium writes texts. */
const filesWith = (folder: string, text: string): string[] =>
	readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
		const path = join(folder, name);
		if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
		const content = readFileSync(path);
		return content.includes(text) || content.includes(Buffer.from(text, 'utf16le'));
	});

/** Chromium with a profile that stays, as people use it. */
async function withProfile<T>(profile: string, use: (context: BrowserContext) => Promise<T>): Promise<T> {
	const context = await chromium.launchPersistentContext(profile, CHROMIUM);
	context.setDefaultTimeout(HANGS_AFTER_MS);
	try {
		return await use(context);
	} finally {
		await context.close();
	}
}

describe('the link that npm run dev prints', () => {
	it('signs in once, and its key is in no file of the browser', () =>
		withFolder((folder) =>
			withDev(join(folder, 'state'), async ({ link, key, code, origin }) => {
				const profile = join(folder, 'profile');
				mkdirSync(profile);
				await withProfile(profile, async (context) => {
					const page = await context.newPage();
					await page.goto(link);
					await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
					await expect.poll(() => page.url()).toBe(`${origin}/inspector`);
					await page.getByText(key.slice(0, 16)).waitFor();
					await page.reload();
					await page.getByRole('heading', { name: 'Choose a session' }).waitFor();
					// Chromium writes its files some seconds later.
					await page.waitForTimeout(12_000);
					expect(filesWith(profile, key)).toEqual([]);

					const second = await context.newPage();
					await second.goto(link);
					await second.getByRole('alert').getByText('The code of this link does not work').waitFor();
					await second.getByLabel(keyField).fill(key);
					await second.getByRole('button', { name: 'Sign in' }).click();
					await second.getByRole('button', { name: 'Sign out' }).click();
				});
				expect(filesWith(profile, key)).toEqual([]);
				// The history has the link itself, whose code is used.
				expect(filesWith(profile, code).length).toBeGreaterThan(0);
			}),
		));
});

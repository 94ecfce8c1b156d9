import { beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../src/events/schema.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { countRows } from '../support/database.ts';

/** Texts that would end a literal, a statement or a pattern if they were part of SQL or of a JSON path. */
const TEXTS = [
	"'; DROP TABLE sessions; --",
	"' OR '1'='1",
	'" OR ""="',
	"x') RETURNING * --",
	'?1 ?2 :name @name $name',
	'%_%',
	'$.prd',
	'\\',
];

let caller: Caller;
let stranger: Caller;
beforeEach(async () => {
	[caller, stranger] = [await newCaller(), await newCaller()];
	await stranger.create({ prd: { secret: 1 } });
});

describe.each(TEXTS)('the text %j', (text) => {
	it('is stored from a body and returned unchanged', async () => {
		const { id } = await caller.create({ catalogVersion: text, prd: { [text]: text } });
		const merge = { headers: { 'Content-Type': 'application/merge-patch+json' } };
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { [text]: text } }, ...merge });
		const event = { type: text, stage: text, message: text, payload: { [text]: text } };
		const { json } = await caller.call<Event>('POST', `${SESSIONS}/${id}/events`, { body: event });
		expect(json).toMatchObject(event);
		const step = { events: [event, event], patch: { plan: { [text]: text } } };
		const stepped = await caller.call('POST', `${SESSIONS}/${id}/steps`, {
			body: step,
			headers: { 'Idempotency-Key': text.replaceAll(/[^!-~]/g, '_') },
		});
		expect(stepped.json).toMatchObject({ events: step.events, session: step.patch });
		expect(await caller.details(id)).toMatchObject({
			catalogVersion: text,
			prd: { [text]: text },
			plan: { [text]: text },
			events: [event, event, event],
		});
	});

	it('matches nothing and changes nothing in a path, a query or a header', async () => {
		const rows = await countRows('sessions');
		const encoded = encodeURIComponent(text);
		const calls = [
			['GET', `${SESSIONS}/${encoded}`, 404],
			['DELETE', `${SESSIONS}/${encoded}`, 404],
			['GET', `${SESSIONS}/${encoded}/events`, 404],
			['GET', `${SESSIONS}?status=${encoded}`, 200],
			['GET', `${SESSIONS}?limit=${encoded}`, 400],
			['GET', `${SESSIONS}?offset=${encoded}`, 400],
			['GET', SESSIONS, 200],
		] as const;
		const headers = { 'X-D1-Bookmark': text, 'If-None-Match': text, 'If-Match': text };
		for (const [method, path, status] of calls) {
			const answer = await caller.call(method, path, { headers });
			expect([path, answer.status]).toEqual([path, status]);
			expect(answer.text).not.toContain('secret');
		}
		expect(await countRows('sessions')).toBe(rows);
	});
});

/**
 * A generator that asks a person whether to build by its plan, and the page on which the person answers:
 *
 *   npm run dev -- --var CORS_ORIGINS:http://localhost:3000
 *   npm run example approval.ts
 *
 * Then open the address that it prints. The page has a key that can read this session and append an answer, and nothing else.
 */
// In your project: from 'product-generation-sessions-client'.
import { type Client, createClient, type Event } from '../src/client/client.ts';
import { generate, makePlan, type Run } from './generator.ts';
import { local } from './local.ts';
import { mockModel } from './mock-model.ts';
import { pageServer } from './page.ts';

/** The types of the answers. The key of the page allows these whole types, and so no other event. */
export const ANSWERS = ['input.approved', 'input.rejected'];

/** Plans the product of a session, asks, and builds if the answer is yes. After a crash, it goes on where it was. */
export async function generateWithApproval(run: Run): Promise<void> {
	const { client, id } = run;
	const { plan, prd, events } = await client.get(id, { fields: ['plan', 'prd', 'events'] });
	if (plan === null) await makePlan(run, prd);
	if (!events.some(({ type }) => type === 'input.requested')) {
		await client.append(id, { type: 'input.requested', message: 'Shall the product be built like this?' });
	}
	const answer = await answerIn(client, id);
	if (answer.type === 'input.approved') return generate(run);
	await client.step(id, { events: [{ type: 'generation.failed' }], patch: { status: 'failed' } });
}

/** Waits for the first answer after the question. What a page has sent before it was asked does not count. */
async function answerIn(client: Client, id: string): Promise<Event> {
	let isAsked = false;
	for await (const item of client.follow(id)) {
		if (item.type === 'end') throw new Error(`The session ${id} is gone: ${item.reason}.`);
		if (item.type !== 'event') continue;
		if (item.event.type === 'input.requested') isAsked = true;
		else if (isAsked && ANSWERS.includes(item.event.type)) return item.event;
	}
	throw new Error('The stream was closed.');
}

if (import.meta.main) {
	const service = local();
	const client = createClient(service);
	const { id } = await client.create({ prd: { title: 'Support assistant' } });
	const server = await pageServer(service, { page: 'approval.html', append: ANSWERS });
	server.listen(3000, 'localhost', () => console.log(`http://localhost:3000/?session=${id}`));
	await generateWithApproval({ client, model: mockModel(), id });
	console.log((await client.get(id, { fields: ['status'] })).status);
	server.close();
}

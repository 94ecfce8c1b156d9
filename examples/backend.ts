/**
 * A backend that orders a product, waits until it is complete, and takes it:
 *
 *   npm run example backend.ts
 */
// In your project: from 'product-generation-sessions-client'.
import { type Client, createClient } from '../src/client/client.ts';
import { generate } from './generator.ts';
import { local } from './local.ts';
import { mockModel } from './mock-model.ts';

/**
 * Waits for the product of a session, without asking again and again, and survives broken connections. Throws when the
 * generation fails, when the session ends, and the reason of `signal` when that aborts.
 */
export async function productOf(client: Client, id: string, signal: AbortSignal): Promise<unknown> {
	const session = await client.waitFor(id, ['complete', 'failed'], { signal });
	if (session.status === 'failed') throw new Error(`The generation of ${id} has failed.`);
	return session.productObject;
}

if (import.meta.main) {
	const client = createClient(local());
	const { id } = await client.create({ prd: { title: 'Support assistant' } });
	// Here the generator runs in the same process. It may run anywhere: both know only the session.
	const generation = generate({ client, model: mockModel(), id });
	const product = await productOf(client, id, AbortSignal.timeout(10 * 60 * 1000));
	await generation;
	console.log(JSON.stringify(product, null, 2));
}

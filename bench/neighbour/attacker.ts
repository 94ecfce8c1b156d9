/**
 * A process that makes one of the attacks until its parent says that it is enough, and then tells how its requests were answered. Its
 * arguments are a URL, a key and the name of the attack; 40 requests are under way at once, or AT_ONCE.
 */
import { attacks } from './attacks.ts';
import type { Sender } from './send.ts';

const AT_ONCE = Number(process.env.AT_ONCE ?? 40);

async function attack(to: Sender, name: string): Promise<void> {
	const sendNth = attacks[name];
	if (!sendNth) throw new Error(`There is no attack "${name}".`);
	let isOver = false;
	process.once('message', () => {
		isOver = true;
	});
	const statuses: Record<string, number> = {};
	const began = performance.now();
	let next = 0;
	const worker = async () => {
		while (!isOver) {
			// A response breaks off when the caller's own trips keep it waiting for too long.
			const status = await sendNth(to, next++).catch(({ code }) => String(code));
			statuses[status] = (statuses[status] ?? 0) + 1;
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	const seconds = (performance.now() - began) / 1000;
	const figures = Object.entries(statuses).map(
		([status, count]) => `${status}: ${(count / seconds).toFixed(0)}/s`,
	);
	// Streams that are still open would keep the process alive.
	process.send?.(figures.join(', '), () => process.exit());
}

const [url = '', key = '', name = ''] = process.argv.slice(2);
await attack({ url, key }, name);

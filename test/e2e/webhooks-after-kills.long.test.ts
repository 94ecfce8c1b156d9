import { expect, it } from 'vitest';
import { deliverThroughKills } from './webhooks-after-kills.ts';

/** How often the server is killed, and how many messages are owed: KILLS=50 MESSAGES=10000 is a run of some minutes. */
const KILLS = Number(process.env.KILLS ?? 10);
const MESSAGES = Number(process.env.MESSAGES ?? 3000);

it(`every message of an acknowledged write arrives, with one id, when the server is killed ${KILLS} times`, async () => {
	const { owed, lost, arrived, changedIds, twice } = await deliverThroughKills(KILLS, MESSAGES);
	console.log(`${owed} messages, ${lost} lost, ${twice} arrived again`);
	expect({ lost, changedIds }).toEqual({ lost: 0, changedIds: 0 });
	expect(owed).toBeGreaterThanOrEqual(MESSAGES);
	expect(arrived).toBeGreaterThanOrEqual(owed);
	// What a killed server had sent and not noted: one delivery, which takes twenty messages at a time.
	expect(twice).toBeLessThanOrEqual(KILLS * 20);
}, 1_200_000);

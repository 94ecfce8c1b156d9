import { type Probe, pathOf } from '../check.ts';
import { expectSameText } from '../expect.ts';
import type { Answer } from '../server.ts';
import type { Following } from '../stream.ts';
import { etagOf, exactly, sessionText } from './answers.ts';
import { type HeldSession, holdSession } from './held-session.ts';

/** A follower of the whole session, which has its first snapshot. */
export async function holding(probe: Probe, id: string, following: Following = {}): Promise<HeldSession> {
	const held = holdSession(await probe.follow(id, { ...following, state: true }));
	while (held.etag() === undefined) await held.next();
	return held;
}

export async function newHeld(probe: Probe, body: unknown = {}) {
	const id = await probe.create(body);
	return { id, held: await holding(probe, id) };
}

export const details = ({ send }: Probe, id: string) => send('GET', { path: pathOf(id) });
export const replace = ({ send }: Probe, id: string, raw: string) => send('PATCH', { path: pathOf(id), raw });

/** Waits for the session that an update returned, and compares it with what the follower holds, and with details. */
export async function expectHeld(probe: Probe, id: string, held: HeldSession, answer: Answer): Promise<void> {
	const returned = sessionText(exactly(answer));
	const etag = etagOf(answer);
	await held.until(etag);
	expectSameText(held.text(), returned, `the session at ${etag}, compared with the response`);
	const read = await details(probe, id);
	expectSameText(held.text(), sessionText(exactly(read)), `the session at ${etag}, compared with details`);
}

export const kindsOf = (held: HeldSession): string[] => held.frames.map(({ kind }) => kind);

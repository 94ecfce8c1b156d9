import { expectStatus } from './expect.ts';
import { type Answer, type Call, type Server, send } from './server.ts';

/** What a run checks: `reference` what the document of the reference says, `strict` also what this project adds to it. */
export const profiles = ['reference', 'strict'] as const;
export type Profile = (typeof profiles)[number];

/** The tools of a check. */
export interface Probe {
	server: Server;
	send(method: string, call?: Call): Promise<Answer>;
	/** Creates a session and returns its id. The session is deleted at the end in any case. */
	create(body?: unknown): Promise<string>;
	/** Registers a session that a check created with `send`, to delete it at the end. */
	remember(answer: Answer): Answer;
}

export interface Check {
	/** Stable: the call, a dot, and the subject of the check. */
	id: string;
	/**
	 * The statement that the check proves: `reference: calls.list.query.limit`, a place in the facts of the reference's
	 * document (test/support/reference-facts.json; `*` stands for several); `strict: fields.order`, a row in
	 * docs/conformance.md; or `RFC 9110, 11.1`.
	 */
	proves: string;
	title: string;
	/** Whether the check changes nothing on the server. */
	isReadonly: boolean;
	/** Throws a Deviation when the check fails. Returns the reason when the check is skipped. */
	run(probe: Probe): Promise<string | undefined>;
}

/** Most checks return undefined: they are never skipped. */
type Run = (probe: Probe) => Promise<unknown>;

const check =
	(isReadonly: boolean) =>
	(id: string, proves: string, title: string, run: Run): Check => ({
		id,
		proves,
		title,
		isReadonly,
		run: async (probe) => {
			const skipped = await run(probe);
			return typeof skipped === 'string' ? skipped : undefined;
		},
	});

/** A check that only reads. */
export const reading = check(true);
/** A check that creates sessions. */
export const writing = check(false);

/** The path of a session, whatever the form of its id. */
export const pathOf = (id: string): string => `/${encodeURIComponent(id)}`;

/** Returns a probe, and the ids of the sessions to delete at the end. */
export function newProbe(server: Server): { probe: Probe; made: Set<string> } {
	const made = new Set<string>();
	const probe: Probe = {
		server,
		send: (method, call) => send(server, method, call),
		async create(body = {}) {
			return String(expectStatus(probe.remember(await probe.send('POST', { body })), 201).id);
		},
		remember(answer) {
			const id = (answer.json as { id?: unknown } | undefined)?.id;
			if (typeof id === 'string') made.add(id);
			return answer;
		},
	};
	return { probe, made };
}

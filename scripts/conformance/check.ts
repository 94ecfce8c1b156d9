import { expectStatus } from './expect.ts';
import { type Answer, type Call, type Server, send } from './server.ts';
import { type Following, openStream, type Stream } from './stream.ts';

/** What a run checks: `reference` what the document of the reference says, `strict` also what this project adds to it. */
export const profiles = ['reference', 'strict'] as const;
export type Profile = (typeof profiles)[number];

/** What a server may have beyond the reference, and another may not: the groups of `--extensions`. */
export const extensions = [
	'merge-patch',
	'hash',
	'conditional',
	'idempotency',
	'ttl',
	'fields',
	'pages',
	'event-pages',
	'steps',
	'following',
	'state',
	'history',
	'session-keys',
	'webhooks',
] as const;
export type Extension = (typeof extensions)[number];

/** The tools of a check. */
export interface Probe {
	server: Server;
	send(method: string, call?: Call): Promise<Answer>;
	/** Creates a session and returns its id. The session is deleted at the end in any case. */
	create(body?: unknown): Promise<string>;
	/** Registers a session that a check created with `send`, to delete it at the end. */
	remember(answer: Answer): Answer;
	/** Opens the stream of a session. It is closed at the end of the check in any case. */
	follow(id: string, following?: Following): Promise<Stream>;
}

export interface Check {
	/** Stable: the call, a dot, and the subject of the check. */
	id: string;
	/**
	 * The statement that the check proves: `reference: calls.list.query.limit`, a place in the facts of the reference's
	 * document (test/support/reference-facts.json; `*` stands for several); `strict: fields.order`, or
	 * `extensions: state.chain`, a row in docs/conformance.md; or `RFC 9110, 11.1`.
	 */
	proves: string;
	title: string;
	/** Whether the check changes nothing on the server. */
	isReadonly: boolean;
	/** Further extensions that the check uses. Without one of them it is skipped. */
	needs?: readonly Extension[];
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

/** A check that also uses other extensions than its own. */
export const needing = (needs: readonly Extension[], each: Check): Check => ({ ...each, needs });

/** The path of a session, whatever the form of its id. */
export const pathOf = (id: string): string => `/${encodeURIComponent(id)}`;

/** Returns a probe, the ids of the sessions to delete at the end, and the streams to close after each check. */
export function newProbe(server: Server): { probe: Probe; made: Set<string>; streams: Set<Stream> } {
	const made = new Set<string>();
	const streams = new Set<Stream>();
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
		async follow(id, following = {}) {
			const stream = await openStream(server, pathOf(id), following);
			streams.add(stream);
			return stream;
		},
	};
	return { probe, made, streams };
}

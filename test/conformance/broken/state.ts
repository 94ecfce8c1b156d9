import type { Breakage, Json } from '../../support/broken-server/breakage.ts';
import { dropping, ofKind, onData, onEvents, onKind, swapping } from './frames.ts';

/** A text of JSON as a program writes it that reads it with JSON.parse. */
const rounded = (text: string) => JSON.stringify(JSON.parse(text));

function merged(target: unknown, patch: unknown): unknown {
	if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
	const result = { ...(target as Json | null) };
	for (const [name, value] of Object.entries(patch)) {
		if (value === null) delete result[name];
		else result[name] = merged(result[name] ?? {}, value);
	}
	return result;
}

/** Sends a snapshot in place of each change. */
function onlySnapshots() {
	let session: Json = {};
	return (frame: Record<string, string>) => {
		const data = () => JSON.parse(frame.data ?? '') as Json;
		if (frame.event === 'snapshot') session = data().session as Json;
		if (frame.event !== 'change') return [frame];
		const { etag, set, merge, updatedAt } = data();
		session = { ...session, updatedAt, ...(set as Json) };
		for (const [name, patch] of Object.entries(merge as Json)) session[name] = merged(session[name], patch);
		return [{ event: 'snapshot', data: JSON.stringify({ etag, session }) }];
	};
}

/** A change that the check of the chain makes in the middle of it. */
const isNth =
	(n: number) =>
	({ event, data = '' }: Record<string, string>) =>
		event === 'change' && data.includes(`{"plan":{"n":${n}}}`);

/** The checks of which a change comes before the last frame that they read. */
const WITH_CHANGES = [
	'state.apart',
	'state.chain',
	'state.clears',
	'state.events-first',
	'state.hash',
	'state.merges',
	'state.proportion',
	'state.replaces',
	'state.status',
	'state.ttl',
	'state.writers',
];
/** The checks that read a change. */
const EVERY_CHANGE = [...WITH_CHANGES, 'state.large', 'state.step'];

/** Broken rules of live state, and the checks of `state` that must fail. */
export const brokenState: [rule: string, breakage: Breakage, checks: string[]][] = [
	[
		'state=true is ignored',
		{ request: ({ url }) => url.searchParams.delete('state') },
		[...EVERY_CHANGE, 'state.end', 'state.resumes', 'state.snapshot'],
	],
	[
		'state=true is the default',
		{
			request: ({ url, headers }) => {
				if (headers.get('accept') === 'text/event-stream') url.searchParams.set('state', 'true');
			},
		},
		['state.apart'],
	],
	[
		'a session frame comes beside the changes',
		{ stream: onKind('change', (frame) => [frame, { event: 'session', data: '{"etag":"\\"1\\""}' }]) },
		WITH_CHANGES,
	],
	[
		'the second event of a stream of the state is lost',
		{ stream: onEvents((frame, at) => (at === 1 ? [] : [frame])) },
		['state.events-first', 'state.snapshot', 'state.step'],
	],
	[
		'an event comes twice',
		{ stream: onEvents((frame) => [frame, frame]) },
		['state.events-first', 'state.resumes', 'state.snapshot', 'state.step'],
	],
	[
		'a change names another predecessor',
		{ stream: onData('change', (data) => data.replace(/"previous":"\\"\d+/, '"previous":"\\"99')) },
		EVERY_CHANGE,
	],
	['a change comes twice', { stream: onKind('change', (frame) => [frame, frame]) }, WITH_CHANGES],
	['a change is lost', { stream: dropping(isNth(3)) }, ['state.chain']],
	['changes change places', { stream: swapping(isNth(3), isNth(4)) }, ['state.chain']],
	[
		'two changes have one ETag',
		{
			stream: onKind('change', (frame) => [
				isNth(3)(frame)
					? { ...frame, data: frame.data?.replace('"etag":"\\"5', '"etag":"\\"4') ?? '' }
					: frame,
			]),
		},
		['state.chain'],
	],
	[
		'every change is a snapshot',
		{ stream: onlySnapshots },
		['state.chain', 'state.merges', 'state.proportion', 'state.replaces', 'state.step', 'state.writers'],
	],
	[
		'a merge keeps what it should delete',
		{ stream: onData('change', (data) => data.replace('"gone":null', '"gone":{}')) },
		['state.merges', 'state.step'],
	],
	[
		'a replacement is told as a merge',
		{
			stream: onData('change', (data) =>
				data.replace(/"set":\{("plan":.*)\},"merge":\{\}\}$/, '"set":{},"merge":{$1}}'),
			),
		},
		['state.replaces'],
	],
	[
		'a merge is told as a replacement',
		{
			stream: onData('change', (data) =>
				data.replace(/"set":\{\},"merge":\{("\w+":.*)\}\}$/, '"set":{$1},"merge":{}}'),
			),
		},
		['state.clears', 'state.merges', 'state.proportion'],
	],
	[
		'numbers lose their digits in a change',
		{ stream: onData('change', rounded) },
		['state.merges', 'state.replaces', 'state.step', 'state.writers'],
	],
	['numbers lose their digits in a snapshot', { stream: onData('snapshot', rounded) }, ['state.snapshot']],
	[
		'the hash is not told',
		{ stream: onData('change', (data) => data.replace(/,?"productObjectHash":"[^"]*"/, '')) },
		['state.hash', 'state.merges', 'state.replaces', 'state.writers'],
	],
	[
		'expiresAt is not told',
		{ stream: onData('change', (data) => data.replace(/"expiresAt":"[^"]*"/, '')) },
		['state.ttl'],
	],
	[
		'the status is not told',
		{ stream: onData('change', (data) => data.replace(/,?"status":"\w+"/, '')) },
		['state.apart', 'state.events-first', 'state.status', 'state.step', 'state.writers'],
	],
	[
		'a cleared field is not told',
		{ stream: onData('change', (data) => data.replace(',"prd":null', '')) },
		['state.clears'],
	],
	[
		'a change has the time of another',
		{ stream: onData('change', (data) => data.replace(/"updatedAt":"\d+/, '"updatedAt":"1999')) },
		EVERY_CHANGE,
	],
	[
		'a change comes before the event that was appended before it',
		{ stream: swapping(ofKind('event'), ofKind('change')) },
		['state.apart', 'state.events-first', 'state.resumes', 'state.snapshot', 'state.step'],
	],
	[
		'a change that is too large is lost',
		{ stream: dropping(({ event, data = '' }) => event !== 'event' && data.length > 200_000) },
		['state.large', 'state.proportion'],
	],
	[
		'a large change is cut',
		{ stream: () => (frame) => [frame.data ? { ...frame, data: frame.data.slice(0, 200_000) } : frame] },
		['state.large', 'state.proportion'],
	],
	[
		'a stream that resumes begins at the start of the log',
		{ request: ({ headers }) => headers.delete('last-event-id') },
		['state.resumes'],
	],
	[
		'a stream that resumes has no snapshot',
		{
			request: ({ headers, url }) => {
				if (headers.has('last-event-id')) url.searchParams.delete('state');
			},
		},
		['state.resumes'],
	],
	['a stream of the state has no end', { stream: dropping(ofKind('end')) }, ['state.end']],
];

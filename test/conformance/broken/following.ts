import type { Breakage } from '../../support/broken-server/breakage.ts';
import type { Frame } from '../../support/broken-server/frames.ts';
import { body } from '../exchanges.ts';
import { dropping, ofKind, onEvents, swapping } from './frames.ts';

/** Broken rules of streams, and the checks of `following` that must fail. */
export const brokenStreams: [rule: string, breakage: Breakage, checks: string[]][] = [
	['a stream begins without retry', { stream: dropping((frame) => 'retry' in frame) }, ['following.opening']],
	[
		'the second event of a stream is lost',
		{ stream: onEvents((frame, at) => (at === 1 ? [] : [frame])) },
		['following.cursor', 'following.gapless', 'following.live', 'following.stored'],
	],
	[
		'an event is sent twice',
		{ stream: onEvents((frame) => [frame, frame]) },
		['following.cursor', 'following.gapless', 'following.live', 'following.stored'],
	],
	[
		'events change places',
		{ stream: swapping(ofKind('event'), ofKind('event')) },
		['following.cursor', 'following.gapless', 'following.live', 'following.stored'],
	],
	[
		'an event has no id',
		{ stream: onEvents(({ id: _, ...frame }) => [frame]) },
		['following.cursor', 'following.gapless', 'following.live', 'following.stored'],
	],
	[
		'an event loses the digits of its numbers',
		{ stream: onEvents(({ data = '', ...frame }) => [{ ...frame, data: JSON.stringify(JSON.parse(data)) }]) },
		['following.live', 'following.stored'],
	],
	[
		'Last-Event-ID is ignored',
		{ request: ({ headers }) => headers.delete('last-event-id') },
		['following.cursor', 'following.gapless', 'following.unknown-cursor'],
	],
	[
		'after is ignored by streams',
		{
			request: ({ headers, url }) => {
				if (headers.get('accept') === 'text/event-stream') url.searchParams.delete('after');
			},
		},
		['following.cursor', 'following.unknown-cursor'],
	],
	[
		'after takes precedence over Last-Event-ID',
		{
			request: ({ headers, url }) => {
				if (url.searchParams.has('after')) headers.delete('last-event-id');
			},
		},
		['following.cursor'],
	],
	[
		'the stream of a missing session is another error',
		{
			answer: body(
				({ status, path }) => status === 404 && path.endsWith('/events'),
				(error) => ({ ...error, code: 'NOT_FOUND' }),
			),
		},
		['following.missing'],
	],
	[
		'the state comes before the stored events',
		{
			stream: () => {
				let held: Frame[] | undefined = [];
				return (frame) => {
					if (!held) return [frame];
					if (frame.event !== 'session') {
						held.push(frame);
						return [];
					}
					const all = [frame, ...held];
					held = undefined;
					return all;
				};
			},
		},
		['following.cursor', 'following.opening', 'following.stored'],
	],
	[
		'a state goes back',
		{
			stream: () => {
				const states: Record<string, string>[] = [];
				return (frame) => {
					if (frame.event === 'session') states.push(frame);
					const [first] = states;
					return first && states.length === 2 && frame.event === 'session' ? [frame, first] : [frame];
				};
			},
		},
		['following.state'],
	],
	[
		'the last state is lost',
		{ stream: dropping(({ data = '' }) => data.includes('"etag":"\\"6\\""')) },
		['following.state'],
	],
	[
		'a state has an id',
		{ stream: () => (frame) => [frame.event === 'session' ? { ...frame, id: 'evt_1' } : frame] },
		['following.cursor', 'following.end', 'following.live', 'following.state', 'following.stored'],
	],
	['a stream has no end', { stream: dropping(ofKind('end')) }, ['following.end']],
	[
		'the end has another reason',
		{
			stream: () => (frame) => [frame.event === 'end' ? { ...frame, data: '{"reason":"expired"}' } : frame],
		},
		['following.end'],
	],
	[
		'something comes after the end',
		{ stream: () => (frame) => (frame.event === 'end' ? [frame, { event: 'end', data: '{}' }] : [frame]) },
		['following.end'],
	],
];

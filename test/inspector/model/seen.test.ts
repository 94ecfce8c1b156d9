import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/client/client.ts';
import { seenFrom } from '../../../src/inspector/model/seen.ts';

const event = (
	type: string,
	payload: Record<string, unknown> = {},
	message: string | null = null,
): Event => ({
	createdAt: '2026-01-15T09:31:12.250Z',
	id: 'evt_0000000042c0ffee254a7b6c1d9e38',
	message,
	organizationId: null,
	payload,
	sessionId: 'sess_1',
	stage: null,
	type,
	userId: 'user_1',
});
const failure = (...told: Parameters<typeof event>) => seenFrom(event(...told)).failure;

describe('an event', () => {
	it('keeps its place and its time, and not its payload', () => {
		expect(seenFrom(event('note', { large: 'x' }))).toEqual({
			id: 'evt_0000000042c0ffee254a7b6c1d9e38',
			position: 42,
			createdAt: '2026-01-15T09:31:12.250Z',
			time: 1_768_469_472_250,
			type: 'note',
			stage: null,
			message: null,
			failure: undefined,
			attempt: undefined,
			named: undefined,
			state: undefined,
			gist: 'large: x',
		});
	});

	it.each([
		[{ msg: 'price of part 7 missing', level: 'warn' }, 'price of part 7 missing'],
		[{ index: 0, delta: { type: 'text_delta', text: 'fox' } }, 'fox'],
		[
			{ pct: 20, file: 'a.ts', done: false, nested: { a: 1 }, none: null },
			'pct: 20, file: a.ts, done: false, a: 1',
		],
		[{ step: 'pricing', supplier: 'ACME' }, 'supplier: ACME'],
		[{ event: 'note', run_id: 'r2' }, 'run_id: r2'],
		[{ action: 'done', job: { name: 'lint', attempt: 1 } }, 'attempt: 1, action: done'],
		[{ specversion: '1.0', id: '7', data: { bytes: 812 } }, 'bytes: 812, specversion: 1.0, id: 7'],
		[{ nested: { a: [1] } }, undefined],
		[{}, undefined],
	])('with %j and no message is told in short by its payload', (payload, gist) => {
		expect(seenFrom(event('note', payload)).gist).toBe(gist);
	});

	it('keeps little of a large payload', () => {
		expect(seenFrom(event('note', { text: 'x'.repeat(50_000) })).gist).toHaveLength(200);
		const many = Object.fromEntries(
			Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'y'.repeat(50)]),
		);
		expect(seenFrom(event('note', many)).gist?.length).toBeLessThanOrEqual(200);
	});

	it.each([
		[{ taskId: 'draft-a', model: 'x' }, 'draft-a'],
		[{ phase: 'research' }, 'research'],
		[{ phase: 'begin', agent: 'coder' }, 'coder'],
		[{ agent_id: 'lead.1', task: 'Read the sources' }, 'lead.1'],
		[{ action: 'queued', workflow_job: { id: 7, name: 'unit (node 22)' } }, 'unit (node 22)'],
		[{ data: { module: 'auth' } }, 'auth'],
		[{ source: '/gen', subject: 'page/cart', data: {} }, 'page/cart'],
		[{ error: { name: 'TypeError' }, user: { name: 'ada' } }, undefined],
		[{ productObject: { name: 'Bicycle shop' }, database: { name: 'pg' } }, undefined],
		[{ step: 17 }, undefined],
		[{ stage: '' }, undefined],
		[{ task: 'x'.repeat(1000) }, undefined],
	])('with %j is about what its payload names', (payload, named) => {
		expect(seenFrom(event('note', payload)).named).toBe(named);
	});

	it.each([
		[{ state: 'running' }, 'running'],
		[{ status: 'In-Progress' }, 'running'],
		[{ status: 'SUCCESS' }, 'success'],
		[{ action: 'in_progress', job: { name: 'lint' } }, 'running'],
		[{ job: { name: 'lint', status: 'completed' } }, 'completed'],
		[{ phase: 'research' }, undefined],
		[{ state: 7 }, undefined],
	])('with %j tells of a state', (payload, state) => {
		expect(seenFrom(event('changed', payload)).state).toBe(state);
	});

	it.each([
		['module.failed', {}, 'It broke.', 'It broke.'],
		['module.failed', {}, null, 'module.failed'],
		['tool.error', { reason: 'no network' }, null, 'no network'],
		['tool.result', { error: 'timeout' }, 'done', 'timeout'],
		[
			'tool.result',
			{ error: { name: 'TypeError', message: 'x is undefined' } },
			null,
			'TypeError: x is undefined',
		],
		['tool.result', { error: { code: 'E_FULL' } }, null, 'E_FULL'],
		['module_failed', {}, null, 'module_failed'],
		['scene:crash', { exitCode: 137, detail: 'out of memory' }, null, 'out of memory'],
		['page.timeout', {}, 'No answer within 2 s.', 'No answer within 2 s.'],
		['research.stop', { status: 'failed', reason: '503 five times' }, null, '503 five times'],
		['ToolResult', { state: 'ERROR', message: '429' }, null, '429'],
		['scene:result', { ok: false, errors: [{ code: 'E_MAP', message: 'no map' }] }, null, 'E_MAP: no map'],
		['plan.checked', { errors: ['no title', 'no steps'] }, null, 'no title'],
		['upload.result', { success: false }, null, 'success: false'],
		['command.exited', { exitCode: 1 }, null, 'exitCode: 1'],
		['command.exited', { exitCode: 2, stderr: 'no such voice' }, null, 'no such voice'],
		['span_end', { status: { code: 'ERROR', message: 'no route' } }, null, 'ERROR: no route'],
		['com.acme.test.failed.v1', { reason: '3 of 40' }, null, '3 of 40'],
		['task.rejected', { reason: 'no alt text' }, null, 'no alt text'],
		['access.denied', {}, '403', '403'],
		['mail.bounced', {}, null, 'mail.bounced'],
		['agent/root:abort', { turns: 12 }, null, 'turns: 12'],
		['job.killed', {}, 'out of memory', 'out of memory'],
		['log', { level: 'error', msg: 'no supplier' }, null, 'no supplier'],
		['log', { severity: 'FATAL', text: 'disk full' }, null, 'disk full'],
		['log', { level: 'info', err: { name: 'PriceError', message: 'none' } }, null, 'PriceError: none'],
		['tool.result', { exception: 'ValueError: x' }, null, 'ValueError: x'],
		['ActivityTaskTimedOut', { failure: { message: 'no answer' } }, null, 'no answer'],
		['tool_timed_out', {}, null, 'tool_timed_out'],
		['subagent_died', { reason: 'the context is full' }, null, 'the context is full'],
		['on_tool_error', { run_id: 'r2', data: { error: '429', input: {} } }, null, '429'],
		[
			'response.failed',
			{ sequence_number: 63, response: { id: 'r', error: { code: 'server_error', message: 'No output.' } } },
			null,
			'server_error: No output.',
		],
		[
			'workflow_job',
			{
				action: 'completed',
				workflow_job: { id: 7, name: 'unit', conclusion: 'failure' },
				repository: { description: 'A shop' },
			},
			null,
			'conclusion: failure',
		],
		['diagnostic', { '@level': 'error', '@message': 'It exists.' }, null, 'It exists.'],
		['step', { result: { exitCode: 2, stderr: 'no disk' } }, null, 'no disk'],
		['step', { errorMessage: 'no disk' }, null, 'no disk'],
		['tool-output-error', { toolCallId: 'c1', errorText: 'no disk' }, null, 'no disk'],
		[
			'TaskFailed',
			{ taskFailedEventDetails: { error: 'States.Timeout', cause: 'x' } },
			null,
			'States.Timeout',
		],
		[
			'acme.page.failed.v1',
			{ id: '7', source: '/gen', data: { reason: 'no template' } },
			null,
			'no template',
		],
		['log', { level: 50, msg: 'no disk', pid: 7 }, null, 'no disk'],
	] as const)('of type %s with %j tells of a failure', (type, payload, message, reason) => {
		expect(failure(type, payload, message)).toBe(reason);
	});

	it('tells of a failure when it belongs to a stage that is called so', () => {
		const moved = event('transition', { from: 'drafting', reason: 'no budget' });
		expect(seenFrom({ ...moved, stage: 'Failed' }).failure).toBe('no budget');
		expect(seenFrom({ ...moved, stage: 'failed tests' }).failure).toBeUndefined();
	});

	it.each([
		['module.built', {}],
		['tool.result', { error: null }],
		['tool.result', { error: '' }],
		['failed.module.cleaned', {}],
		['error.count', { errors: [] }],
		['error.count', { errors: 3 }],
		['tool.result', { ok: true, status: 'done', exitCode: 0 }],
		['span_end', { status: { code: 'OK', message: '' } }],
		['status.read', { status: 'failed_before' }],
		['game.saved', { level: 60 }],
		['module.started', { attempt: 2, previous: { error: 'no disk' } }],
		['module.started', { cause: { status: 'failed' } }],
		['progress', { state: { modules: { billing: { state: 'failed' } } } }],
	])('of type %s with %j tells of none', (type, payload) => {
		expect(failure(type, payload)).toBeUndefined();
	});
});

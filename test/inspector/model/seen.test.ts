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
			'pct: 20, file: a.ts, done: false',
		],
		[{ step: 'pricing', supplier: 'ACME' }, 'supplier: ACME'],
		[{ nested: { a: 1 } }, undefined],
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
	] as const)('of type %s with %j tells of a failure', (type, payload, message, reason) => {
		expect(failure(type, payload, message)).toBe(reason);
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
	])('of type %s with %j tells of none', (type, payload) => {
		expect(failure(type, payload)).toBeUndefined();
	});
});

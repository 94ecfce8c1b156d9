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
		});
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
		['upload.result', { success: false }, null, 'upload.result'],
		['command.exited', { exitCode: 1 }, null, 'command.exited'],
		['command.exited', { exitCode: 2, stderr: 'no such voice' }, null, 'no such voice'],
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
		['status.read', { status: 'failed_before' }],
	])('of type %s with %j tells of none', (type, payload) => {
		expect(failure(type, payload)).toBeUndefined();
	});
});

import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/client/client.ts';
import { seenFrom } from '../../../src/inspector/model/seen.ts';
import { spentOf, stagesOf } from '../../../src/inspector/model/stages.ts';

let position = 0;
const at = (time: number, stage: string | null, type: string, payload: Record<string, unknown> = {}) => {
	position += 1;
	const event: Event = {
		createdAt: new Date(time).toISOString(),
		id: `evt_${String(position).padStart(10, '0')}`,
		message: null,
		organizationId: null,
		payload,
		sessionId: 'sess_1',
		stage,
		type,
		userId: 'user_1',
	};
	return seenFrom(event);
};
type Told = Parameters<typeof at>;

/** The spans of each stage in short. */
function spansOf(told: readonly Told[], endedAt?: number): Record<string, string[]> {
	const { lanes } = stagesOf(
		told.map((each) => at(...each)),
		endedAt,
	);
	return Object.fromEntries(
		lanes.map(({ stage, spans }) => [
			stage,
			spans.map(
				({ from, to, outcome, attempt }) =>
					`${from}–${to ?? 'now'} ${outcome}${attempt > 1 ? ` #${attempt}` : ''}`,
			),
		]),
	);
}

describe('the spans of stages', () => {
	it('overlap where stages were at work at the same time, each with its own time', () => {
		expect(
			spansOf([
				[0, 'auth', 'module.started'],
				[10, 'billing', 'module.started'],
				[20, 'auth', 'llm.call.started'],
				[90, 'auth', 'llm.call.finished'],
				[100, 'auth', 'module.built'],
				[150, 'billing', 'module.built'],
			]),
		).toEqual({ auth: ['0–100 done'], billing: ['10–150 done'] });
	});

	it('are one for each attempt', () => {
		expect(
			spansOf([
				[0, 'web', 'module.started'],
				[50, 'web', 'module.failed'],
				[80, 'web', 'module.started'],
				[95, 'web', 'module.built'],
			]),
		).toEqual({ web: ['0–50 failed', '80–95 done #2'] });
		// The payload tells of another attempt although nothing told of the end of the first.
		expect(
			spansOf([
				[0, 'web', 'module.started', { attempt: 1 }],
				[50, 'web', 'module.progress'],
				[80, 'web', 'module.started', { attempt: 2 }],
			]),
		).toEqual({ web: ['0–50 left', '80–now open #2'] });
	});

	it('begin with a word whose other form ends them, such as render and rendered', () => {
		expect(
			spansOf([
				[0, 'scene/1', 'scene:render'],
				[2, 'scene/2', 'scene:render'],
				[4, 'scene/3', 'scene:render'],
				[9, 'scene/1', 'scene:rendered'],
				[12, null, 'note'],
			]),
		).toMatchObject({ 'scene/1': ['0–9 done'], 'scene/2': ['2–now open'], 'scene/3': ['4–now open'] });
		expect(
			spansOf([
				[0, 'a', 'ToolCall'],
				[1, 'b', 'ToolCall'],
				[9, 'b', 'ToolResult'],
			]),
		).toEqual({ a: ['0–now open'], b: ['1–9 done'] });
	});

	it.each([
		['verify', 'verified'],
		['plan', 'planned'],
		['generating', 'generated'],
		['build', 'built'],
		['request', 'response'],
		['start', 'stop'],
	])('begin with %s where %s ends them', (start, end) => {
		expect(
			spansOf([
				[0, 'a', `page.${start}`],
				[1, 'b', `page.${start}`],
				[9, 'b', `page.${end}`],
			]),
		).toEqual({ a: ['0–now open'], b: ['1–9 done'] });
	});

	it('end with a word such as ok, whatever the case of the type', () => {
		expect(
			spansOf([
				[0, 'FETCH', 'STEP_START'],
				[5, 'FETCH', 'STEP_OK'],
				[6, 'BUILD', 'STEP_START'],
			]),
		).toEqual({ FETCH: ['0–5 done'], BUILD: ['6–now open'] });
	});

	it('fail where the work is rejected, denied or aborted', () => {
		expect(
			spansOf([
				[0, 'a', 'task.started'],
				[0, 'b', 'task.started'],
				[0, 'c', 'task.started'],
				[1, 'a', 'task.rejected'],
				[2, 'b', 'task.denied'],
				[3, 'c', 'task.abort'],
			]),
		).toEqual({ a: ['0–1 failed'], b: ['0–2 failed'], c: ['0–3 failed'] });
	});

	it('follow the states that payloads tell of, where types tell of nothing', () => {
		expect(
			spansOf([
				[0, 'load', 'stateChanged', { state: 'pending' }],
				[2, 'load', 'stateChanged', { state: 'running' }],
				[5, 'load', 'stateChanged', { state: 'failed' }],
				[6, 'load', 'stateChanged', { state: 'running' }],
				[7, 'load', 'stateChanged', { state: 'running' }],
				[9, 'load', 'stateChanged', { state: 'success' }],
				[9, 'send', 'stateChanged', { state: 'in_progress' }],
			]),
		).toEqual({ load: ['0–0 left', '2–5 failed', '6–9 done #2'], send: ['9–now open'] });
		// What a part of the work says of itself does not end the work.
		expect(
			spansOf([
				[0, 'web', 'task.started'],
				[1, 'web', 'task.check', { status: 'passed' }],
				[2, 'web', 'tool', { status: 'running' }],
			]),
		).toEqual({ web: ['0–now open'] });
	});

	it('fail where the payload of the event that ends them tells of a failure', () => {
		expect(
			spansOf([
				[0, 'web', 'research.start'],
				[7, 'web', 'research.stop', { status: 'failed' }],
			]),
		).toEqual({ web: ['0–7 failed'] });
	});

	it('have failed when the latest event of the stage tells of a failure, until another one comes', () => {
		const told: Told[] = [
			[0, 'sea', 'scene.started'],
			[7, 'sea', 'scene.result', { ok: false }],
		];
		expect(spansOf(told)).toEqual({ sea: ['0–7 failed'] });
		expect(spansOf([...told, [9, 'sea', 'scene.progress']])).toEqual({ sea: ['0–now open'] });
		expect(spansOf([...told, [9, 'sea', 'scene.started', { attempt: 2 }]])).toEqual({
			sea: ['0–7 failed', '9–now open #2'],
		});
		// A failed call is a part of the work.
		expect(
			spansOf([
				[0, 'sea', 'scene.started'],
				[7, 'sea', 'call.result', { ok: false }],
			]),
		).toEqual({
			sea: ['0–now open'],
		});
	});

	it('are another attempt where the same begins again after a failure in it', () => {
		expect(
			spansOf([
				[0, 'turn', 'message_start'],
				[10, 'turn', 'content_block_delta'],
				[20, 'turn', 'error', { error: { message: 'Overloaded' } }],
				[50, 'turn', 'message_start'],
				[90, 'turn', 'message_stop'],
			]),
		).toEqual({ turn: ['0–20 failed', '50–90 done #2'] });
	});

	it('follow the states of what a payload wraps', () => {
		const job = (time: number, action: string, name: string, more = {}): Told => [
			time,
			null,
			'workflow_job',
			{ action, workflow_job: { name, status: action, ...more } },
		];
		expect(
			spansOf([
				job(0, 'queued', 'lint'),
				job(1, 'queued', 'unit'),
				job(10, 'in_progress', 'lint'),
				job(20, 'in_progress', 'unit'),
				job(30, 'completed', 'lint', { conclusion: 'success' }),
				job(40, 'completed', 'unit', { conclusion: 'failure' }),
				job(50, 'in_progress', 'unit', { run_attempt: 2 }),
			]),
		).toEqual({
			lint: ['0–0 left', '10–30 done'],
			unit: ['1–1 left', '20–40 failed', '50–now open #2'],
		});
	});

	it('stay open until an event tells of the end, or the session ends', () => {
		const told: Told[] = [
			[0, 'a', 'module.started'],
			[5, 'b', 'module.started'],
			[9, 'b', 'module.built'],
		];
		expect(spansOf(told)).toEqual({ a: ['0–now open'], b: ['5–9 done'] });
		expect(spansOf(told, 30)).toEqual({ a: ['0–30 left'], b: ['5–9 done'] });
	});

	it('end with the last of several starts of one kind', () => {
		expect(
			spansOf([
				[0, 'calls', 'call.started'],
				[1, 'calls', 'call.started'],
				[5, 'calls', 'call.finished'],
				[9, 'calls', 'call.finished'],
			]),
		).toEqual({ calls: ['0–9 done'] });
	});

	it('end although the work said again that it goes on, in the same words or in others', () => {
		expect(
			spansOf([
				[0, 'a', 'task.started'],
				[1, 'a', 'task.running'],
				[2, 'a', 'task.retry'],
				[9, 'a', 'task.succeeded'],
			]),
		).toEqual({ a: ['0–9 done'] });
		expect(
			spansOf([
				[0, 'a', 'scene:render'],
				[1, 'a', 'scene:render'],
				[8, 'a', 'scene:rendered'],
				[9, 'a', 'scene:rendered'],
			]),
		).toEqual({ a: ['0–9 done'] });
	});

	it('are open for all tasks that run, whatever was told before they ran', () => {
		expect(
			spansOf([
				[0, 'a', 'task.queued'],
				[0, 'b', 'task.queued'],
				[3, 'a', 'task.running'],
				[4, 'b', 'task.running'],
				[9, 'c', 'task.queued'],
				[9, 'b', 'task.succeeded'],
			]),
		).toMatchObject({ a: ['0–0 left', '3–now open'], b: ['0–0 left', '4–9 done'] });
	});

	it('follow on each other where no event ever tells of an end', () => {
		expect(
			spansOf([
				[0, 'plan', 'stage.started'],
				[40, 'build', 'stage.started'],
				[70, 'build', 'tool.called'],
			]),
		).toEqual({ plan: ['0–40 left'], build: ['40–now open'] });
	});

	it('run from the first event to the last where nothing tells of a start, and until the next stage', () => {
		expect(
			spansOf([
				[0, 'intake', 'prd.received'],
				[10, 'intake', 'prd.read'],
				[30, 'planning', 'thought'],
				[35, 'planning', 'thought'],
			]),
		).toEqual({ intake: ['0–30 left'], planning: ['30–now open'] });
	});

	it('do not take the time in which another stage was at work', () => {
		expect(
			spansOf([
				[0, 'build', 'module.started'],
				[10, 'notes', 'note'],
				[90, 'build', 'module.built'],
			]),
		).toEqual({ build: ['0–90 done'], notes: ['10–10 left'] });
	});

	it('are none for events that name no stage beside others that do, unless one tells of a start', () => {
		expect(
			spansOf([
				[0, null, 'user.asked'],
				[5, 'build', 'module.started'],
				[10, null, 'note'],
			]),
		).toEqual({ build: ['5–now open'], 'no stage': [] });
		expect(
			spansOf([
				[0, null, 'user.asked'],
				[5, 'build', 'module.started'],
				[10, null, 'mail.started'],
				[20, null, 'mail.finished'],
				[30, null, 'note'],
			]),
		).toEqual({ build: ['5–now open'], 'no stage': ['10–20 done'] });
	});

	it.each([
		['scene/2 (retry 1)', 'scene/2', 2],
		['scene/2 retry', 'scene/2', 2],
		['scene/2-attempt-3', 'scene/2', 3],
		['scene/2:try_2', 'scene/2', 2],
	])('of %s are another attempt of the stage', (name, stage, attempt) => {
		expect(
			spansOf([
				[0, stage, 'scene:render'],
				[5, stage, 'scene:failed'],
				[10, name, 'scene:render'],
				[20, name, 'scene:rendered'],
			]),
		).toEqual({ [stage]: ['0–5 failed', `10–20 done #${attempt}`] });
	});

	it.each(['retry', 'registry', 'data-entry', 'try 1'])('of %s are those of a stage of its own', (name) => {
		expect(spansOf([[0, name, 'a.started']])).toEqual({ [name]: ['0–now open'] });
	});

	it('are told apart by what events are about in a session without stages', () => {
		expect(
			spansOf([
				[0, null, 'plan.started'],
				[10, null, 'plan.finished'],
				[12, null, 'build.started'],
			]),
		).toEqual({ plan: ['0–10 done'], build: ['12–now open'] });
		expect(
			Object.keys(
				spansOf([
					[0, null, 'note'],
					[1, 'x', 'note'],
				]),
			),
		).toEqual(['no stage', 'x']);
	});

	it('are told apart by what payloads name in a session without stages', () => {
		expect(
			spansOf([
				[0, null, 'taskStarted', { taskId: 'a' }],
				[1, null, 'taskStarted', { taskId: 'b' }],
				[2, null, 'onLLMStart', { taskId: 'b' }],
				[5, null, 'taskCompleted', { taskId: 'a' }],
				[9, null, 'taskErrored', { taskId: 'b' }],
			]),
		).toEqual({ a: ['0–5 done'], b: ['1–9 failed'] });
		// Where events name stages, these alone are stages.
		expect(
			Object.keys(
				spansOf([
					[0, null, 'note', { task: 'a' }],
					[1, 'x', 'note', { task: 'b' }],
				]),
			),
		).toEqual(['no stage', 'x']);
	});

	it('are told apart by types whatever their language and version', () => {
		expect(
			spansOf([
				[0, null, 'com.acme.build.started.v1'],
				[5, null, 'com.acme.build.completed.v1'],
				[6, null, 'prüfung.started'],
				[9, null, 'prüfung.größe'],
			]),
		).toEqual({ 'com.acme.build': ['0–5 done'], prüfung: ['6–now open'] });
		expect(
			spansOf([
				[0, 'a', 'scene.render.v2'],
				[5, 'a', 'scene.rendered.v2'],
			]),
		).toEqual({ a: ['0–5 done'] });
	});

	it('of types that tell of no start and no end have the whole type as their name', () => {
		expect(
			Object.keys(
				spansOf([
					[0, null, 'toolUse/webSearch'],
					[1, null, 'onLLMStart'],
					[2, null, 'onLLMToken'],
					[3, null, 'onLLMEnd'],
				]),
			),
		).toEqual(['toolUse/webSearch', 'onLLM']);
	});

	it('count once for the time of a stage', () => {
		const { lanes } = stagesOf(
			[at(0, 'a', 'm.started'), at(10, 'a', 'm.failed'), at(20, 'a', 'm.started')],
			undefined,
		);
		expect(lanes.map((lane) => spentOf(lane, 50))).toEqual([40]);
	});
});

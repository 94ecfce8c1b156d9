import { expect } from 'vitest';
import { type Json, Members, readObject, writeJson } from '../../scripts/conformance/ordered-json.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { type Answer, type Caller, SESSIONS } from '../support/api.ts';
import { expire } from '../support/database.ts';
import type { Sent } from './arbitraries.ts';
import {
	changesSomething,
	details,
	detailsTagOf,
	etagOf,
	eventFields,
	type Model,
	type ModelSession,
	past,
	patched,
	sessionOfKey,
	sparse,
	versionList,
	visible,
} from './model.ts';
import type { Appended, Condition, Fields, Step } from './steps.ts';
import { playWebhooks } from './webhook-play.ts';
import { type ModelWebhooks, owe } from './webhooks.ts';

/** A valid id that does not belong to a session. */
const NO_SESSION = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

const WEEK = 604_800;
/** Adds seconds to a time. */
const after = (time: string, seconds: number) => new Date(Date.parse(time) + seconds * 1000).toISOString();

/** The text of a body: objects in the style in which they are sent. */
function written(members: Record<string, Sent | string | number | null | undefined>): string {
	const list = Object.entries(members).flatMap(([name, value]) => {
		if (value === undefined) return [];
		return [
			`${JSON.stringify(name)}:${typeof value === 'object' && value ? value.text : JSON.stringify(value)}`,
		];
	});
	return `{${list.join(',')}}`;
}

/** The part of a patch that a retry must repeat. */
const contentOf = (fields: Fields): string =>
	Object.entries(fields)
		.map(([name, value]) => `${name}:${writeJson(typeof value === 'object' && value ? value.object : value)}`)
		.sort()
		.join();

const textOf = (fields: ReadonlyMap<string, Json>) => writeJson(new Members(fields));
const fieldsOf = (text: string): Map<string, Json> => new Map(readObject(text).list);

function expectError(answer: Answer, status: number, code: string): void {
	expect([answer.status, readObject(answer.text).get('code')]).toEqual([status, code]);
}

/** Makes a sequence of calls to the service, and compares each response with the model. */
export async function play(
	steps: Step[],
	callers: readonly Caller[],
	hashOf: (text: string) => Promise<string>,
	bindings: Partial<Bindings> = {},
): Promise<void> {
	const model: Model = [];
	const webhooks: ModelWebhooks = [];
	const { steps: webhookSteps, end } = playWebhooks(webhooks, callers, bindings);
	const callerOf = (step: { caller: number }) => callers[step.caller] as Caller;
	const sessionOf = (step: { session: number }) => model[step.session % Math.max(model.length, 1)];
	const pathOf = (session: ModelSession | undefined) => `${SESSIONS}/${session?.id ?? NO_SESSION}`;

	const ifMatch = (condition: Condition, session: ModelSession | undefined): Record<string, string> => {
		if (condition === 'none') return {};
		const tags = {
			any: '*',
			stale: '"999", W/"998"',
			current: session ? `"999", ${detailsTagOf(session)}` : '"1"',
		};
		return { 'If-Match': tags[condition] };
	};

	const play: { [K in Step['do']]: (step: Extract<Step, { do: K }>) => Promise<void> } = {
		...webhookSteps,
		async create(step) {
			const { prd, version, ttl, key, caller } = step;
			const raw = written({ prd, catalogVersion: version, ttlSeconds: ttl });
			const answer = await callerOf(step).call('POST', SESSIONS, {
				raw,
				headers: { 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) },
			});
			const content = writeJson([
				prd?.object ?? null,
				version ?? null,
				ttl === undefined ? null : String(ttl),
			]);
			const first = key === undefined ? undefined : sessionOfKey(model, caller, key);
			if (first && first.content !== content) return expectError(answer, 422, 'IDEMPOTENCY_KEY_REUSED');
			expect(answer.status).toBe(201);
			expect(answer.headers.get('Idempotency-Replayed')).toBe(first ? 'true' : null);
			if (first) return expect(answer.text).toBe(writeJson(first.created));
			const fields = fieldsOf(answer.text);
			const { userId, organizationId } = callerOf(step);
			expect(answer.text).toBe(
				textOf(
					new Map<string, Json>([
						['assemblyState', null],
						['catalogVersion', version ?? null],
						['createdAt', fields.get('createdAt') ?? null],
						['expiresAt', after(String(fields.get('createdAt')), ttl ?? WEEK)],
						['id', fields.get('id') ?? null],
						['organizationId', organizationId],
						['plan', null],
						['prd', prd?.object ?? null],
						['productObject', null],
						['productObjectHash', null],
						['schemaVersion', null],
						['status', 'intake'],
						['updatedAt', fields.get('createdAt') ?? null],
						['userId', userId],
					]),
				),
			);
			const id = String(fields.get('id'));
			const created = new Members(fields);
			begin({ owner: caller, id, fields, key, content, created });
		},
		async fork(step) {
			const { caller, version, key, prd } = step;
			const source = sessionOf(step);
			const from = { sessionId: source?.id ?? NO_SESSION, ...(version ? { version } : {}) };
			const answer = await callerOf(step).call('POST', SESSIONS, {
				raw: `{"from":${JSON.stringify(from)}${prd ? `,"prd":${prd.text}` : ''}}`,
				headers: { 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) },
			});
			const content = `from ${JSON.stringify(from)} ${prd ? writeJson(prd.object) : ''}`;
			const first = key === undefined ? undefined : sessionOfKey(model, caller, key);
			if (first && first.content !== content) return expectError(answer, 422, 'IDEMPOTENCY_KEY_REUSED');
			if (!first && !visible(source, caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			const origin = version === undefined ? source : source?.versions[version - 1];
			if (!first && !origin) return expectError(answer, 404, 'VERSION_NOT_FOUND');
			expect(answer.status).toBe(201);
			expect(answer.headers.get('Idempotency-Replayed')).toBe(first ? 'true' : null);
			if (first) return expect(answer.text).toBe(writeJson(first.created));
			const fields = fieldsOf(answer.text);
			const createdAt = fields.get('createdAt') ?? null;
			const own = {
				createdAt,
				updatedAt: createdAt,
				expiresAt: after(String(createdAt), WEEK),
				id: fields.get('id') ?? null,
				...(prd ? { prd: prd.object } : {}),
			};
			expect(answer.text).toBe(textOf(new Map([...(origin?.fields ?? []), ...Object.entries(own)])));
			const id = String(fields.get('id'));
			begin({ owner: caller, id, fields, key, content, created: new Members(fields) });
		},
		async past(step) {
			const session = sessionOf(step);
			const { fields, version } = step;
			const found = session && past(session, version, fields);
			const known = step.known ? { 'If-None-Match': found?.tag ?? '"1"' } : {};
			const query = `?version=${version}${fields ? `&fields=${fields.join(',')}` : ''}`;
			const answer = await callerOf(step).call('GET', pathOf(session) + query, { headers: known });
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			if (!found) return expectError(answer, 404, 'VERSION_NOT_FOUND');
			expect(answer.headers.get('ETag')).toBe(found.tag);
			if (step.known) return expect([answer.status, answer.text]).toEqual([304, '']);
			expect(answer.text).toBe(writeJson(found.json));
		},
		async versions(step) {
			const session = sessionOf(step);
			const { before, limit } = step;
			const query = `?limit=${limit}${before === undefined ? '' : `&before=${before}`}`;
			const answer = await callerOf(step).call('GET', `${pathOf(session)}/versions${query}`);
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			const rest = versionList(session).slice(
				before === undefined ? 0 : Math.max(0, session.version - before + 1),
			);
			const data = rest.slice(0, limit).map(writeJson);
			expect(answer.text).toBe(`{"data":[${data}],"hasMore":${rest.length > limit}}`);
		},
		replace: (step) => patch(step, 'replace'),
		merge: (step) => patch(step, 'merge'),
		async details(step) {
			const session = sessionOf(step);
			const { fields } = step;
			const tag = session && detailsTagOf(session, fields?.includes('events'));
			const known = step.known && tag ? { 'If-None-Match': tag } : {};
			const query = fields ? `?fields=${fields.join(',')}` : '';
			const answer = await callerOf(step).call('GET', pathOf(session) + query, { headers: known });
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			expect(answer.headers.get('ETag')).toBe(tag);
			if (step.known) return expect([answer.status, answer.text]).toEqual([304, '']);
			expect(answer.text).toBe(writeJson(details(session, fields)));
		},
		async list(step) {
			const { limit, from, status, fields, caller } = step;
			const last = 'after' in from ? sessionOf({ session: from.after }) : undefined;
			const place = 'after' in from ? `after=${last?.id ?? NO_SESSION}` : `offset=${from.offset}`;
			const query = `?limit=${limit}&${place}${status ? `&status=${status}` : ''}${fields ? `&fields=${fields.join(',')}` : ''}`;
			const answer = await callerOf(step).call('GET', SESSIONS + query);
			const all = model
				.filter((session) => visible(session, caller))
				.filter(({ fields: each }) => status === undefined || each.get('status') === status)
				.toReversed();
			// Ids are in the order of creation. NO_SESSION sorts before all of them.
			const rest =
				'after' in from ? all.filter(({ id }) => id < (last?.id ?? NO_SESSION)) : all.slice(from.offset);
			const hasMore = rest.length > limit;
			const data = rest.slice(0, limit).map((session) => writeJson(sparse(session.fields, fields)));
			const pagination =
				'after' in from ? { limit, hasMore } : { limit, offset: from.offset, total: all.length };
			expect(answer.text).toBe(`{"data":[${data}],"pagination":${JSON.stringify(pagination)}}`);
			const next = new RegExp(`[?&]after=${rest[limit - 1]?.id}>; rel="next"$`);
			if (hasMore) expect(answer.headers.get('Link')).toMatch(next);
			else expect(answer.headers.get('Link')).toBeNull();
		},
		async append(step) {
			const { event, key } = step;
			const session = sessionOf(step);
			const answer = await callerOf(step).call('POST', `${pathOf(session)}/events`, {
				raw: written({ ...event }),
				headers: { 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) },
			});
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			const content = writeJson(new Members(eventFields(event)));
			const first = session.events.find((each) => key !== undefined && each.key === key);
			if (first && first.content !== content) return expectError(answer, 422, 'IDEMPOTENCY_KEY_REUSED');
			expect(answer.status).toBe(201);
			expect(answer.headers.get('Idempotency-Replayed')).toBe(first ? 'true' : null);
			if (first) return expect(answer.text).toBe(writeJson(first.json));
			const given = readObject(answer.text);
			const json = eventJson(step, session, event, given);
			expect(answer.text).toBe(writeJson(json));
			const id = String(given.get('id'));
			session.events.push({ json, id, key, content });
			owe(webhooks, session, `event:${event.type}`, id);
		},
		async step(step) {
			const { events, fields: patch = {}, key } = step;
			const session = sessionOf(step);
			const raw = `{"patch":${written({ ...patch })},"events":[${events.map((event) => written({ ...event })).join(',')}]}`;
			const answer = await callerOf(step).call('POST', `${pathOf(session)}/steps`, {
				raw: step.fields === undefined ? raw.replace('"patch":{},', '') : raw,
				headers: {
					'Content-Type': 'application/json',
					...ifMatch(step.condition, session),
					...(key ? { 'Idempotency-Key': key } : {}),
				},
			});
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			const content = `step ${events.map((event) => writeJson(new Members(eventFields(event))))} ${contentOf(patch)}`;
			const first = session.events.findIndex((each) => key !== undefined && each.key === key);
			if (first >= 0) {
				if (session.events[first]?.content !== content) {
					return expectError(answer, 422, 'IDEMPOTENCY_KEY_REUSED');
				}
			} else if (step.condition === 'stale') {
				expect(answer.headers.get('ETag')).toBe(detailsTagOf(session));
				return expectError(answer, 412, 'PRECONDITION_FAILED');
			}
			expect(answer.status).toBe(201);
			expect(answer.headers.get('Idempotency-Replayed')).toBe(first >= 0 ? 'true' : null);
			const given = readObject(answer.text);
			if (first < 0) {
				const all = given.get('events') as Members[];
				events.forEach((event, at) => {
					const json = eventJson(step, session, event, all[at] ?? new Members([]));
					const id = String(json.get('id'));
					session.events.push({ json, id, key: at === 0 ? key : undefined, content });
				});
				const after = given.get('session');
				await change(session, patch, 'merge', after instanceof Members ? after : new Members([]));
				for (const { id, json } of session.events.slice(-events.length))
					owe(webhooks, session, `event:${(json as Members).get('type')}`, id);
			}
			const from = first >= 0 ? first : session.events.length - events.length;
			const answered = session.events.slice(from, from + events.length).map(({ json }) => json);
			expect(answer.text).toBe(
				writeJson(
					new Members([
						['events', answered],
						['session', new Members(session.fields)],
					]),
				),
			);
			expect(answer.headers.get('ETag')).toBe(etagOf(session));
		},
		async page(step) {
			const { after, limit } = step;
			const session = sessionOf(step);
			const from = after === undefined ? undefined : session?.events[after];
			const query = `?limit=${limit}${from ? `&after=${from.id}` : ''}`;
			const answer = await callerOf(step).call('GET', `${pathOf(session)}/events${query}`);
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			const rest = session.events.slice(from && after !== undefined ? after + 1 : 0);
			const data = rest.slice(0, limit).map(({ json }) => writeJson(json));
			expect(answer.text).toBe(`{"data":[${data}],"hasMore":${rest.length > limit}}`);
		},
		async delete(step) {
			const session = sessionOf(step);
			const headers = ifMatch(step.condition, session);
			const answer = await callerOf(step).call('DELETE', pathOf(session), { headers });
			if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
			if (step.condition === 'stale') return expectError(answer, 412, 'PRECONDITION_FAILED');
			expect([answer.status, answer.text]).toEqual([200, '{"success":true}']);
			owe(webhooks, session, 'session.deleted');
			session.isAlive = false;
		},
		async expire(step) {
			const session = sessionOf(step);
			if (!session) return;
			await expire(session.id);
			session.isAlive = false;
		},
	};

	/** Adds a new session to the model. */
	function begin(
		session: Pick<ModelSession, 'owner' | 'id' | 'fields' | 'key' | 'content' | 'created'>,
	): void {
		const versions = [{ fields: session.fields, events: 0, changed: [] }];
		const begun = { ...session, isAlive: true, version: 1, versions, events: [] };
		model.push(begun);
		owe(webhooks, begun, 'session.created');
	}

	/** The expected response for an event, with the id and the time that the service gave it. */
	function eventJson(
		step: { caller: number },
		session: ModelSession,
		event: Appended,
		given: Members,
	): Members {
		const { userId, organizationId } = callerOf(step);
		const sent = new Map(eventFields(event));
		return new Members([
			['createdAt', given.get('createdAt') ?? null],
			['id', given.get('id') ?? null],
			['message', sent.get('message') ?? null],
			['organizationId', organizationId],
			['payload', sent.get('payload') ?? null],
			['sessionId', session.id],
			['stage', sent.get('stage') ?? null],
			['type', event.type],
			['userId', userId],
		]);
	}

	/** Changes a session as a PATCH does, at the time that the service gave it. */
	async function change(
		session: ModelSession,
		sent: Fields,
		how: 'replace' | 'merge',
		given: Members,
	): Promise<void> {
		if (!changesSomething(sent)) return;
		const { fields, hashes } = patched(session, sent, how);
		const updatedAt = String(given.get('updatedAt'));
		expect(updatedAt >= String(session.fields.get('updatedAt'))).toBe(true);
		fields.set('updatedAt', updatedAt);
		if (sent.ttlSeconds !== undefined) {
			const expiresAt = String(given.get('expiresAt'));
			expect(expiresAt >= after(updatedAt, sent.ttlSeconds - 60)).toBe(true);
			fields.set('expiresAt', expiresAt);
		}
		if (hashes) {
			fields.set('productObjectHash', await hashOf(writeJson(fields.get('productObject') ?? null)));
		}
		const hasOtherStatus = fields.get('status') !== session.fields.get('status');
		session.fields = fields;
		session.version += 1;
		if (hasOtherStatus) owe(webhooks, session, 'session.status_changed');
		const names: Record<string, unknown> = { ...sent };
		if (sent.ttlSeconds !== undefined) names.expiresAt = true;
		if (sent.productObject !== undefined) names.productObjectHash = true;
		const changed = Array.from(fields.keys()).filter((name) => name in names);
		session.versions.push({ fields, events: session.events.length, changed });
	}

	async function patch(
		step: { caller: number; session: number; fields: Fields; condition: Condition },
		how: 'replace' | 'merge',
	): Promise<void> {
		const session = sessionOf(step);
		const answer = await callerOf(step).call('PATCH', pathOf(session), {
			raw: written({ ...step.fields }),
			headers: {
				'Content-Type': how === 'merge' ? 'application/merge-patch+json' : 'application/json',
				...ifMatch(step.condition, session),
			},
		});
		if (!visible(session, step.caller)) return expectError(answer, 404, 'SESSION_NOT_FOUND');
		if (step.condition === 'stale') {
			expect(answer.headers.get('ETag')).toBe(detailsTagOf(session));
			return expectError(answer, 412, 'PRECONDITION_FAILED');
		}
		expect(answer.status).toBe(200);
		await change(session, step.fields, how, readObject(answer.text));
		expect(answer.text).toBe(textOf(session.fields));
		expect(answer.headers.get('ETag')).toBe(etagOf(session));
	}

	for (const step of steps) await play[step.do](step as never);
	await end();
}

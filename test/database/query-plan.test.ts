import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import * as sessionKeys from '../../src/auth/session-keys/store.ts';
import * as apiKeys from '../../src/auth/store.ts';
import * as placedCleanup from '../../src/cleanup/placed/store.ts';
import * as cleanup from '../../src/cleanup/store.ts';
import type { Database, Statement } from '../../src/core/database.ts';
import { openDatabase, ping } from '../../src/database/database.ts';
import * as following from '../../src/events/following/store.ts';
import * as eventReads from '../../src/events/read/store.ts';
import * as events from '../../src/events/store.ts';
import * as creates from '../../src/sessions/create/store.ts';
import * as reads from '../../src/sessions/read/store.ts';
import { sessionFields } from '../../src/sessions/schema.ts';
import * as sessions from '../../src/sessions/store.ts';
import type { Change, Replacement } from '../../src/sessions/update/changes.ts';
import * as updates from '../../src/sessions/update/store.ts';
import * as steps from '../../src/steps/store.ts';

const owner = { userId: 'user_1', organizationId: 'org_1' };
const now = '2026-01-15T09:30:00.000Z';
const reference = { id: 'sess_01k2vxq8f3e7ttyyds0t6w2h4b', owner, now };
const keyed = { ...reference, id: `${reference.id.slice(0, -1)}d` };
const key = { key: 'k', fingerprint: 'f' };
const session = {
	id: reference.id,
	owner,
	catalogVersion: null,
	schemaVersion: null,
	prd: '{}',
	createdAt: now,
	expiresAt: '2999-01-01T00:00:00.000Z',
};
const event = { type: 't', stage: null, message: null, payload: '{}', nonce: 'f'.repeat(20) };
const cursor = { id: `evt_0000000001${event.nonce}`, position: 1 };
const replacement: Replacement = { column: 'status', mode: 'set', value: 'failed' };
const changes: Change[] = [replacement, { column: 'plan', mode: 'merge', value: '{"a":1}', members: 1 }];
const guarded: Change[] = [{ column: 'plan', mode: 'merge', value: '{"a":1}', members: 1000 }];
const apiKey: apiKeys.ApiKeyRow = {
	id: 'key_1',
	key_hash: 'h',
	prefix: 'p',
	user_id: 'user_1',
	organization_id: null,
	name: null,
	permissions: '*',
	environment: 'test',
	created_at: now,
	expires_at: null,
	revoked_at: null,
	last_used_at: null,
	session_id: null,
	maker_key_id: null,
	maker_clerk_session_id: null,
};
const page: reads.ListQuery = {
	owner,
	now,
	fields: sessionFields,
	status: undefined,
	limit: 20,
	from: { offset: 0 },
};
const details: reads.DetailsQuery = { fields: sessionFields, maxEvents: 1000, knownTags: undefined };
/** A row whose content must still be read. */
const sized = { id: reference.id, size: 1000 };
const sizedEvent = { position: 1, whole: false } as eventReads.SizedEvent;
const renewal = { until: '2999-01-01T00:00:00.000Z', unlessPast: now };
const sessionKey = {
	id: 'key_2',
	keyHash: 'h2',
	prefix: 'p',
	environment: 'test',
	maker: { keyId: 'key_1', clerkSessionId: null },
	expiresAt: '2999-01-01T00:00:00.000Z',
} as const;
const endedKey = { user_id: 'user_1', organization_id: '', idempotency_key: 'k', database: 1 };

/** Every store function that sends statements, once for each form of its SQL. */
const calls: Record<string, ((db: Database) => Promise<unknown>)[]> = {
	insertSession: [
		(db) => sessions.insertSession(db, session, undefined),
		(db) => sessions.insertSession(db, { ...session, id: `${session.id.slice(0, -1)}c` }, key),
	],
	readSession: [(db) => sessions.readSession(db, reference)],
	readVersion: [(db) => sessions.readVersion(db, reference)],
	readDetails: [
		(db) => reads.readDetails(db, reference, details),
		(db) => reads.readDetails(db, reference, { ...details, maxEvents: undefined }),
		(db) => reads.readDetails(db, reference, { ...details, knownTags: ['1', '1.1'] }),
		(db) => reads.readDetails(db, reference, { ...details, knownTags: 'any', maxEvents: undefined }),
	],
	listSessions: [
		(db) => reads.listSessions(db, page),
		(db) => reads.listSessions(db, { ...page, status: 'failed' }),
		(db) => reads.listSessions(db, { ...page, from: { after: reference.id } }),
		(db) => reads.listSessions(db, { ...page, status: 'failed', from: { after: reference.id } }),
		(db) => reads.listSessions(db, { ...page, fields: ['id', 'status'] }),
	],
	readWhole: [
		(db) => reads.readWhole(db, page, [sized]),
		(db) => reads.readWhole(db, { ...page, status: 'failed' }, [sized]),
	],
	readIds: [
		(db) => reads.readIds(db, page, { after: reference.id, offset: 5, limit: 10, counted: true }),
		(db) =>
			reads.readIds(
				db,
				{ ...page, status: 'failed' },
				{ after: reference.id, offset: 5, limit: 10, counted: true },
			),
	],
	countSessions: [
		(db) => reads.countSessions(db, page),
		(db) => reads.countSessions(db, { ...page, status: 'failed' }),
	],
	databaseOfKey: [
		(db) =>
			creates.databaseOfKey(db, {
				owner,
				key: 'k',
				placement: 1,
				bound: [0, 1],
				now,
				expiresAt: '2999-01-01T00:00:00.000Z',
			}),
	],
	updateSession: [
		(db) => updates.updateSession(db, reference, changes, undefined),
		(db) => updates.updateSession(db, reference, changes, [1, 2]),
		(db) => updates.updateSession(db, reference, guarded, [1, 2]),
	],
	readObjects: [(db) => updates.readObjects(db, reference, ['plan', 'prd'])],
	replaceOnVersion: [(db) => updates.replaceOnVersion(db, reference, [replacement], 1)],
	insertStep: [
		(db) =>
			steps.insertStep(db, reference, { events: [event], changes: [], idempotency: undefined }, undefined),
		(db) =>
			steps.insertStep(db, reference, { events: [event, event], changes: guarded, idempotency: key }, [1]),
	],
	readForStep: [(db) => steps.readForStep(db, reference, ['plan'], 'k')],
	readStep: [(db) => steps.readStep(db, reference, 'k', 2)],
	insertEvent: [
		(db) => events.insertEvent(db, reference, event, undefined),
		(db) => events.insertEvent(db, reference, event, key),
	],
	readEvents: [
		(db) => eventReads.readEvents(db, reference, undefined, 100),
		(db) => eventReads.readEvents(db, reference, cursor, 100),
	],
	wholeEvents: [
		async (db) => {
			await events.insertEvent(db, reference, event, undefined);
			return eventReads.wholeEvents(db, reference, [sizedEvent]).next();
		},
	],
	deleteSession: [
		(db) => sessions.deleteSession(db, reference, undefined),
		(db) => sessions.deleteSession(db, reference, [1]),
	],
	findApiKey: [(db) => apiKeys.findApiKey(db, 'h')],
	insertApiKey: [(db) => apiKeys.insertApiKey(db, apiKey)],
	readApiKey: [(db) => apiKeys.readApiKey(db, 'key_1')],
	listApiKeys: [(db) => apiKeys.listApiKeys(db)],
	revokeApiKey: [(db) => apiKeys.revokeApiKey(db, 'key_1', now)],
	revokeKeysOfClerkSession: [(db) => apiKeys.revokeKeysOfClerkSession(db, 'sess_clerk', now)],
	expireApiKey: [(db) => apiKeys.expireApiKey(db, 'key_1', now)],
	touchApiKey: [(db) => apiKeys.touchApiKey(db, 'key_1', now, now)],
	beginFollowing: [
		(db) => following.beginFollowing(db, reference, cursor, renewal),
		(db) => following.beginFollowing(db, reference, undefined, undefined),
	],
	lookUpFollowed: [
		(db) => following.lookUpFollowed(db, reference, { after: 1, renewal }),
		(db) => following.lookUpFollowed(db, reference, { after: undefined, renewal: undefined }),
	],
	insertSessionKey: [(db) => sessionKeys.insertSessionKey(db, reference, sessionKey)],
	readExpiry: [
		async (db) => {
			await sessions.insertSession(db, { ...session, id: keyed.id }, undefined);
			return sessionKeys.readExpiry(db, keyed);
		},
	],
	storeSessionKey: [(db) => sessionKeys.storeSessionKey(db, reference, sessionKey)],
	deleteEndedKeys: [(db) => sessionKeys.deleteEndedKeys(db, reference)],
	revokeSessionKey: [(db) => sessionKeys.revokeSessionKey(db, reference, sessionKey.id)],
	deleteExpired: [(db) => cleanup.deleteExpired(db, now)],
	countExpired: [(db) => cleanup.countExpired(db, now)],
	readEndedKeys: [(db) => placedCleanup.readEndedKeys(db, now)],
	readKeysInUse: [(db) => placedCleanup.readKeysInUse(db, [endedKey], now)],
	releaseKeys: [(db) => placedCleanup.releaseKeys(db, [endedKey], [{ ...endedKey, expires_at: now }], now)],
	optimize: [(db) => cleanup.optimize(db)],
	ping: [(db) => ping(db)],
};

const SIZES = /^SCAN (\(subquery-\d\)|total)$/;
const ASKED = /^SCAN json_each VIRTUAL TABLE/;
/** The scans that are intended, each with its reason. */
const MAY_SCAN: Record<string, RegExp> = {
	// The sizes of the rows on one page, and their sum, only where a row exceeds its share.
	listSessions: SIZES,
	readEvents: SIZES,
	// The same, and the position of the latest event.
	readDetails: new RegExp(`${SIZES.source}|^SCAN (latest|\\(subquery-1\\))$`),
	// The rows of one page that must still be read.
	readWhole: ASKED,
	// The keys of one chunk.
	releaseKeys: ASKED,
	readKeysInUse: ASKED,
	wholeEvents: ASKED,
	// The keys command uses these. No request does.
	listApiKeys: /^SCAN api_keys USING INDEX/,
	revokeKeysOfClerkSession: /^SCAN api_keys$/,
	// The count reads at most 100 index entries, and the deletion as many keys.
	insertSessionKey: /^SCAN \(subquery-\d\)$/,
	storeSessionKey: /^SCAN \(subquery-\d\)$/,
	deleteEndedKeys: /^SCAN own$/,
	// At most 100 sessions of the chunk, not a table.
	deleteExpired: /^SCAN expired$/,
	// Sizes of at most 500 events.
	lookUpFollowed: /^SCAN \(subquery-\d\)$/,
	// The count reads at most 10,000 index entries.
	countExpired: /^SCAN \(subquery-1\)$/,
	// At most 100 events from the request.
	insertStep: /^SCAN json_each VIRTUAL TABLE/,
};

async function plan({ sql, parameters }: Statement): Promise<string[]> {
	const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
		.bind(...parameters)
		.all<{ detail: string }>();
	return results.map(({ detail }) => detail);
}

it('covers every store function that sends statements', () => {
	const parts = [
		'sizedEvents',
		...[
			'selectLatestEvents',
			'selectCursor',
			'selectVersion',
			'selectSession',
			'selectEventsFromKey',
			'insertEvents',
		],
		...['staleOrMissing', 'whyNot', 'columnsBut', 'liveInVersion', 'withSent', 'isTooCostly'],
		...['allOf', 'changeable', 'updateStatement'],
	];
	const stores = [
		sessions,
		reads,
		updates,
		steps,
		events,
		eventReads,
		following,
		apiKeys,
		sessionKeys,
		cleanup,
		placedCleanup,
		creates,
		{ ping },
	];
	const functions = stores.flatMap((store) =>
		Object.entries(store).flatMap(([name, value]) => (typeof value === 'function' ? [name] : [])),
	);
	expect(functions.filter((name) => !parts.includes(name)).sort()).toEqual(Object.keys(calls).sort());
});

it.each(Object.entries(calls))('%s scans no table and sorts nothing', async (name, forms) => {
	const real = openDatabase(env.DB);
	const sent: Statement[] = [];
	const recording: Database = {
		run: (statements, how) => {
			sent.push(...statements);
			return real.run(statements, how);
		},
		change: (statements, how) => {
			sent.push(...statements);
			return real.change(statements, how);
		},
		bookmark: () => null,
	};
	for (const form of forms) await form(recording);
	expect(sent.length).toBeGreaterThan(0);
	for (const statement of sent) {
		if (statement.sql.startsWith('PRAGMA')) continue;
		const steps = await plan(statement);
		const bad = steps.filter(
			(step) =>
				/TEMP B-TREE|AUTOMATIC/.test(step) ||
				(/^SCAN (?!CONSTANT ROW)/.test(step) && !MAY_SCAN[name]?.test(step)),
		);
		expect(bad, `${statement.sql}\n${steps.join('\n')}`).toEqual([]);
	}
});

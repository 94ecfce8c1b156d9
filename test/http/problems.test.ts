import { describe, expect, it } from 'vitest';
import { type Problem, type ProblemCode, problemMeanings } from '../../src/core/problems.ts';
import { type CallOptions, newCaller, SESSIONS, send } from '../support/api.ts';

const long = 'x'.repeat(256);
const deep = JSON.parse('['.repeat(100) + ']'.repeat(100));
const merge = { 'Content-Type': 'application/merge-patch+json' };
const STATUSES = 'Use one of intake, generating, assembling, complete, failed.';

/** A call on a session, and each problem that its 400 names. `:id` is the session's. */
type Row = [call: string, options: CallOptions, details: Problem[]];

const problem = (path: string, code: ProblemCode, message: string, suggestion?: string): Problem => ({
	path,
	message,
	code,
	...(suggestion === undefined ? {} : { suggestion }),
});

const rows: Row[] = [
	['POST /', { body: [] }, [problem('', 'INVALID_TYPE', 'must be an object')]],
	[
		'POST /',
		{ raw: 'null', headers: { 'Content-Type': 'application/json' } },
		[problem('', 'INVALID_TYPE', 'must be an object')],
	],
	['POST /', { body: { prd: 'text' } }, [problem('prd', 'INVALID_TYPE', 'must be an object')]],
	[
		'POST /',
		{ body: { prd: { deep } } },
		[problem('prd', 'TOO_DEEP', 'must not nest deeper than 100 levels')],
	],
	[
		'POST /',
		{ body: { catalogVersion: 1, schemaVersion: long } },
		[
			problem('catalogVersion', 'INVALID_TYPE', 'must be a string'),
			problem('schemaVersion', 'TOO_LONG', 'must have at most 255 characters'),
		],
	],
	[
		'POST /',
		{ body: { catalogVersion: '\u0000' } },
		[problem('catalogVersion', 'INVALID_CHARACTERS', 'must not contain U+0000 or a lone surrogate')],
	],
	['POST /', { body: { ttlSeconds: 59 } }, [problem('ttlSeconds', 'OUT_OF_RANGE', 'must be at least 60')]],
	[
		'POST /',
		{ body: { ttlSeconds: 2_592_001 } },
		[problem('ttlSeconds', 'OUT_OF_RANGE', 'must be at most 2592000')],
	],
	[
		'POST /',
		{ body: { ttlSeconds: 60.5 } },
		[problem('ttlSeconds', 'INVALID_TYPE', 'must be a whole number')],
	],
	['POST /', { body: { ttlSeconds: '60' } }, [problem('ttlSeconds', 'INVALID_TYPE', 'must be a number')]],
	[
		'POST /',
		{ body: {}, headers: { 'Idempotency-Key': 'a b' } },
		[
			problem(
				'Idempotency-Key',
				'INVALID_FORMAT',
				'must be 1 to 255 visible ASCII characters',
				'Use a UUID, or a name that your program gives the write.',
			),
		],
	],
	[
		'PATCH /:id',
		{ body: { status: 'completed' } },
		[problem('status', 'INVALID_ENUM', 'is not one of the allowed values', STATUSES)],
	],
	[
		'PATCH /:id',
		{ body: { status: null } },
		[problem('status', 'INVALID_ENUM', 'is not one of the allowed values', STATUSES)],
	],
	['PATCH /:id', { body: { plan: null } }, [problem('plan', 'INVALID_TYPE', 'must be an object')]],
	[
		'PATCH /:id',
		{ body: { status: 'x', plan: 1 }, headers: merge },
		[
			problem('plan', 'INVALID_TYPE', 'must be an object'),
			problem('status', 'INVALID_ENUM', 'is not one of the allowed values', STATUSES),
		],
	],
	['POST /:id/events', { body: {} }, [problem('type', 'MISSING_REQUIRED_FIELD', 'is required')]],
	[
		'POST /:id/events',
		{ body: { type: '' } },
		[problem('type', 'TOO_SHORT', 'must have at least 1 character')],
	],
	[
		'POST /:id/events',
		{ body: { type: 'a\nb' } },
		[problem('type', 'INVALID_CHARACTERS', 'must not contain control characters or line separators')],
	],
	[
		'POST /:id/events',
		{ body: { type: '\u0000' } },
		[problem('type', 'INVALID_CHARACTERS', 'must not contain control characters or line separators')],
	],
	['POST /:id/steps', { body: {} }, [problem('events', 'MISSING_REQUIRED_FIELD', 'is required')]],
	[
		'POST /:id/steps',
		{ body: { events: [] } },
		[problem('events', 'TOO_SHORT', 'must have at least 1 item')],
	],
	[
		'POST /:id/steps',
		{ body: { events: Array(101).fill({ type: 'a' }) } },
		[problem('events', 'TOO_LONG', 'must have at most 100 items')],
	],
	[
		'POST /:id/steps',
		{ body: { events: [{ type: 'a' }, {}], patch: [] } },
		[
			problem('events.1.type', 'MISSING_REQUIRED_FIELD', 'is required'),
			problem('patch', 'INVALID_TYPE', 'must be an object'),
		],
	],
	[
		'POST /:id/keys',
		{ body: { expiresInSeconds: 86_401 } },
		[problem('expiresInSeconds', 'OUT_OF_RANGE', 'must be at most 86400')],
	],
	[
		'POST /:id/keys',
		{ body: { expiresInSeconds: 1e300 } },
		[problem('expiresInSeconds', 'OUT_OF_RANGE', 'must be at most 86400')],
	],
	[
		'DELETE /:id/keys/x',
		{},
		[
			problem(
				'keyId',
				'INVALID_FORMAT',
				'must be the id of a key',
				'Use the `id` of the response that made the key. It begins with `key_`.',
			),
		],
	],
	['GET /?limit=x', {}, [problem('limit', 'INVALID_TYPE', 'must be a whole number')]],
	[
		'GET /?limit=-1&offset=-1',
		{},
		[
			problem('limit', 'OUT_OF_RANGE', 'must be at least 1'),
			problem('offset', 'OUT_OF_RANGE', 'must be at least 0'),
		],
	],
	['GET /?limit=1&limit=2', {}, [problem('limit', 'INVALID_TYPE', 'must be given once, not several times')]],
	['GET /?after=x', {}, [problem('after', 'INVALID_FORMAT', 'must be the id of a session')]],
	[
		'GET /?after=sess_01k2vxq8f3e7ttyyds0t6w2h4b&offset=1',
		{},
		[problem('after', 'CONFLICTING_FIELDS', 'cannot be combined with an offset', 'Send only one of them.')],
	],
	[
		'GET /:id?fields=id,nonsense',
		{},
		[
			problem(
				'fields',
				'INVALID_ENUM',
				'must be a comma-separated list of field names',
				'Use some of assemblyState, catalogVersion, createdAt, events, expiresAt, id, organizationId, plan, prd, productObject, productObjectHash, schemaVersion, status, updatedAt, userId.',
			),
		],
	],
	[
		'GET /:id/events?after=evt_000000000100000000000000000000',
		{},
		[
			problem(
				'after',
				'UNKNOWN_EVENT',
				'does not match an event in this session',
				'Use the id of an event of this session, or leave it out to start with the first event.',
			),
		],
	],
	['GET /:id/events?limit=1001', {}, [problem('limit', 'OUT_OF_RANGE', 'must be at most 1000')]],
];

describe('the details of a validation error', () => {
	it.each(rows)('name each problem of %s %j', async (call, options, details) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const [method = '', path = ''] = call.split(' ');
		const { status, json } = await caller.call(
			method,
			`${SESSIONS}${path.replace(/^\/(?=\?|$)/, '').replace(':id', id)}`,
			options,
		);
		expect([status, json.code, json.details]).toEqual([400, 'VALIDATION_ERROR', details]);
	});

	it('have all codes of the table', () => {
		const seen = new Set(rows.flatMap(([, , details]) => details.map(({ code }) => code)));
		// Only a webhook has an address: test/webhooks/endpoints.test.ts.
		expect([...seen, 'REFUSED_ADDRESS'].sort()).toEqual(Object.keys(problemMeanings).sort());
	});

	it('do not repeat what was sent, however long it is', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const value of ['z'.repeat(1_000_000), ['zzz'], { zzz: 1 }]) {
			const { status, text } = await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: value } });
			expect([status, text.includes('zzz'), text.length < 1000]).toEqual([400, false, true]);
		}
	});

	it('have codes that the OpenAPI document lists', async () => {
		const { json } = await send<{ components: { schemas: Record<string, { enum?: string[] }> } }>(
			'/openapi.json',
		);
		expect(json.components.schemas.ProblemCode?.enum).toEqual(Object.keys(problemMeanings));
	});
});

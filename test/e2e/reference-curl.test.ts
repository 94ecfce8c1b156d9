import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let key: string;
beforeAll(async () => {
	server = await startServer();
	key = await server.newKey();
});
afterAll(() => server.close());

/** Runs a line as if it were pasted into a terminal. */
function paste(line: string): { status: number; body: string } {
	const { stdout, stderr, status } = spawnSync('bash', ['-c', `${line} -s -w '\\n%{http_code}'`], {
		encoding: 'utf8',
	});
	if (status !== 0) throw new Error(stderr);
	const end = stdout.lastIndexOf('\n');
	return { body: stdout.slice(0, end), status: Number(stdout.slice(end + 1)) };
}

/** The command of an example in the reference, with the base URL, the id and the key filled in. */
const referencePatch = (
	id: string,
	authorization: string,
) => `curl -X PATCH ${server.url}/v1/products/generation/sessions/${id} \\
     -H "Authorization: ${authorization}" \\
     -H "Content-Type: application/json" \\
     -d '{
  "status": "generating"
}'`;

describe('the curl command of the reference', () => {
	it.each([
		['the bare key', (text: string) => text],
		['Bearer', (text: string) => `Bearer ${text}`],
		['bearer in lower case', (text: string) => `bearer ${text}`],
	])('works with %s', (_, authorization) => {
		const created = paste(`curl -X POST ${server.url}/v1/products/generation/sessions \\
     -H "Authorization: ${authorization(key)}"`);
		expect(created.status).toBe(201);
		const session = JSON.parse(created.body);
		const patched = paste(referencePatch(session.id, authorization(key)));
		expect(patched.status).toBe(200);
		expect(JSON.parse(patched.body)).toEqual({
			...session,
			status: 'generating',
			updatedAt: expect.any(String),
		});
		expect(Object.keys(JSON.parse(patched.body))).toEqual([
			'assemblyState',
			'catalogVersion',
			'createdAt',
			'expiresAt',
			'id',
			'organizationId',
			'plan',
			'prd',
			'productObject',
			'productObjectHash',
			'schemaVersion',
			'status',
			'updatedAt',
			'userId',
		]);
	});
});

/**
 * The usual way, as tutorials for Hono and D1 teach it, without mistakes: look up the key, check that the session
 * exists, write, and read it again, each in a separate round trip. Objects are parsed from their columns and returned
 * with c.json.
 */
import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import * as z from 'zod';

interface Env {
	Bindings: { DB: D1Database };
	Variables: { userId: string };
}
type Row = Record<string, unknown>;

const object = z.record(z.string(), z.unknown());
const createSchema = z.object({ prd: object.optional() });
const updateSchema = z.object({
	plan: object.optional(),
	prd: object.optional(),
	status: z.string().optional(),
});
const eventSchema = z.object({ type: z.string().min(1), payload: object.optional() });
const WEEK_MS = 604_800_000;
const OBJECTS = ['prd', 'plan', 'product_object', 'assembly_state', 'payload'];

const parsed = (row: Row): Row =>
	Object.fromEntries(
		Object.entries(row).map(([name, value]) => [
			name,
			OBJECTS.includes(name) && typeof value === 'string' ? JSON.parse(value) : value,
		]),
	);

const readSession = (db: D1Database, id: string, userId: string) =>
	db
		.prepare('SELECT * FROM sessions WHERE id = ? AND user_id = ? AND expires_at > ?')
		.bind(id, userId, new Date().toISOString())
		.first<Row>();

const authenticate = createMiddleware<Env>(async (c, next) => {
	const key = c.req.header('Authorization')?.replace('Bearer ', '') ?? '';
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
	const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
	const row = await c.env.DB.prepare('SELECT * FROM api_keys WHERE key_hash = ? AND revoked_at IS NULL')
		.bind(hash)
		.first<{ user_id: string }>();
	if (!row) return c.json({ error: 'Unauthorized' }, 401);
	c.set('userId', row.user_id);
	return next();
});

/** The session in the path. Every call on one session reads it first. */
const known = createMiddleware<Env>(async (c, next) => {
	const session = await readSession(c.env.DB, c.req.param('id') ?? '', c.get('userId'));
	return session ? next() : c.json({ error: 'Not found' }, 404);
});

const app = new Hono<Env>().basePath('/v1/products/generation/sessions');
app.use('*', authenticate);

app.post('/', zValidator('json', createSchema), async (c) => {
	const id = `sess_${crypto.randomUUID()}`;
	const now = new Date();
	await c.env.DB.prepare(
		`INSERT INTO sessions (id, user_id, status, prd, created_at, updated_at, expires_at)
		VALUES (?, ?, 'intake', ?, ?, ?, ?)`,
	)
		.bind(
			id,
			c.get('userId'),
			JSON.stringify(c.req.valid('json').prd ?? null),
			now.toISOString(),
			now.toISOString(),
			new Date(now.getTime() + WEEK_MS).toISOString(),
		)
		.run();
	const session = await readSession(c.env.DB, id, c.get('userId'));
	return c.json(session && parsed(session), 201);
});

app.get('/', async (c) => {
	const owned = [c.get('userId'), new Date().toISOString()];
	const limit = Number(c.req.query('limit') ?? 20);
	const { results } = await c.env.DB.prepare(
		'SELECT * FROM sessions WHERE user_id = ? AND organization_id IS NULL AND expires_at > ? ORDER BY id DESC LIMIT ? OFFSET ?',
	)
		.bind(...owned, limit, Number(c.req.query('offset') ?? 0))
		.all<Row>();
	const count = await c.env.DB.prepare(
		'SELECT count(*) AS total FROM sessions WHERE user_id = ? AND organization_id IS NULL AND expires_at > ?',
	)
		.bind(...owned)
		.first<{ total: number }>();
	return c.json({ data: results.map(parsed), total: count?.total });
});

app.get('/:id', async (c) => {
	const session = await readSession(c.env.DB, c.req.param('id'), c.get('userId'));
	if (!session) return c.json({ error: 'Not found' }, 404);
	const { results } = await c.env.DB.prepare('SELECT * FROM events WHERE session_id = ? ORDER BY position')
		.bind(c.req.param('id'))
		.all<Row>();
	return c.json({ ...parsed(session), events: results.map(parsed) });
});

app.patch('/:id', known, zValidator('json', updateSchema), async (c) => {
	const changes = Object.entries(c.req.valid('json'));
	await c.env.DB.prepare(
		`UPDATE sessions SET ${changes.map(([name]) => `${name} = ?`).join(', ')}, updated_at = ? WHERE id = ?`,
	)
		.bind(
			...changes.map(([, value]) => (typeof value === 'object' ? JSON.stringify(value) : value)),
			new Date().toISOString(),
			c.req.param('id'),
		)
		.run();
	const session = await readSession(c.env.DB, c.req.param('id'), c.get('userId'));
	return c.json(session && parsed(session));
});

app.delete('/:id', known, async (c) => {
	await c.env.DB.prepare('DELETE FROM sessions WHERE id = ?').bind(c.req.param('id')).run();
	return c.json({ success: true });
});

app.post('/:id/events', known, zValidator('json', eventSchema), async (c) => {
	const { type, payload = {} } = c.req.valid('json');
	const id = `evt_${crypto.randomUUID()}`;
	const session = c.req.param('id');
	await c.env.DB.prepare(
		`INSERT INTO events (session_id, position, id, type, payload, created_at)
		SELECT ?1, 1 + ifnull(max(position), 0), ?2, ?3, ?4, ?5 FROM events WHERE session_id = ?1`,
	)
		.bind(session, id, type, JSON.stringify(payload), new Date().toISOString())
		.run();
	// The condition includes the session, because event ids have no index.
	const event = await c.env.DB.prepare(
		'SELECT * FROM events WHERE session_id = ? AND id = ? ORDER BY position DESC LIMIT 1',
	)
		.bind(session, id)
		.first<Row>();
	return c.json(event && parsed(event), 201);
});

export default app;

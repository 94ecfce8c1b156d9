/**
 * The floor: no framework, authentication, validation or log. It runs the service's statements on the same tables in as
 * many round trips, and returns the rows. Like the service, it does not read the objects that it has just written.
 * Where it does less (one statement to delete, events without their owner), the difference is in its favor.
 */
const OWNER = 'user_bench';
const OTHERS = `id, status, catalog_version, schema_version, product_object, product_object_hash, assembly_state,
	version, created_at, updated_at, expires_at, user_id, organization_id`;
const COLUMNS = `${OTHERS}, prd, plan`;
const THIS_LIVE = 'id = ? AND user_id = ? AND organization_id IS NULL AND expires_at > ?';
const LIVE = 'user_id = ? AND organization_id IS NULL AND expires_at > ?';
const WEEK_MS = 604_800_000;

const CREATE = `INSERT INTO sessions (id, user_id, status, prd, created_at, updated_at, expires_at)
	VALUES (?1, ?2, 'intake', ?3, ?4, ?4, ?5) RETURNING ${OTHERS}, plan`;
const UPDATE = `UPDATE sessions SET plan = ?, version = version + 1, updated_at = max(updated_at, ?)
	WHERE ${THIS_LIVE} RETURNING ${OTHERS}, prd`;
const DETAILS = `SELECT ${COLUMNS} FROM sessions WHERE ${THIS_LIVE}`;
const EVENTS = `SELECT position, id, type, stage, message, payload, created_at FROM events WHERE session_id = ?
	ORDER BY position DESC LIMIT 1000`;
const PAGE = `SELECT ${COLUMNS} FROM sessions WHERE ${LIVE} ORDER BY id DESC LIMIT ? OFFSET ?`;
const COUNT = `SELECT count(*) AS total FROM sessions WHERE ${LIVE}`;
const APPEND = `INSERT INTO events (session_id, position, id, type, payload, created_at)
	SELECT id, position, printf('evt_%010d', position) || ?, ?, ?, ?
	FROM (SELECT id, 1 + ifnull((SELECT max(position) FROM events WHERE session_id = sessions.id), 0) AS position
		FROM sessions WHERE ${THIS_LIVE}) RETURNING position, id`;
const DELETE = `DELETE FROM sessions WHERE ${THIS_LIVE} RETURNING id`;

type Handler = (db: D1Database, request: Request, id: string, now: string) => Promise<unknown>;

const handlers: Record<string, Handler> = {
	async create(db, request, _, now) {
		const { prd } = await request.json<{ prd: unknown }>();
		const text = JSON.stringify(prd);
		const expires = new Date(Date.now() + WEEK_MS).toISOString();
		const id = `sess_${crypto.randomUUID()}`;
		const row = await db.prepare(CREATE).bind(id, OWNER, text, now, expires).first();
		return row && { ...row, prd: text };
	},
	async update(db, request, id, now) {
		const { plan } = await request.json<{ plan: unknown }>();
		const text = JSON.stringify(plan);
		const row = await db.prepare(UPDATE).bind(text, now, id, OWNER, now).first();
		return row && { ...row, plan: text };
	},
	async details(db, _, id, now) {
		const [session, events] = await db.batch([
			db.prepare(DETAILS).bind(id, OWNER, now),
			db.prepare(EVENTS).bind(id),
		]);
		return { session: session?.results[0], events: events?.results };
	},
	async list(db, _request, _id, now) {
		const [page, count] = await db.batch([
			db.prepare(PAGE).bind(OWNER, now, 20, 0),
			db.prepare(COUNT).bind(OWNER, now),
		]);
		return { page: page?.results, count: count?.results[0] };
	},
	async append(db, request, id, now) {
		const { type, payload } = await request.json<{ type: string; payload: unknown }>();
		const event = { nonce: crypto.randomUUID(), type, payload: JSON.stringify(payload), now };
		const row = await db
			.prepare(APPEND)
			.bind(...Object.values(event), id, OWNER, now)
			.first();
		return row && { ...event, ...row };
	},
	async delete(db, _, id, now) {
		return db.prepare(DELETE).bind(id, OWNER, now).first();
	},
};

function handlerOf(method: string, id: string | undefined, events: string | undefined): Handler | undefined {
	if (events) return handlers.append;
	if (!id) return method === 'POST' ? handlers.create : handlers.list;
	return { GET: handlers.details, PATCH: handlers.update, DELETE: handlers.delete }[method];
}

export default {
	async fetch(request, env) {
		const [, , , , , id, events] = new URL(request.url).pathname.split('/');
		const handler = handlerOf(request.method, id, events);
		const row = await handler?.(env.DB, request, id ?? '', new Date().toISOString());
		return Response.json(row ?? null, { status: row ? 200 : 404 });
	},
} satisfies ExportedHandler<{ DB: D1Database }>;

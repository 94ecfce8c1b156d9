-- The whole schema, explained in docs/storage.md. Times are ISO 8601 UTC with milliseconds: they sort as text and go over the
-- wire as they are. The CHECK constraints repeat limits that the Worker enforces first.

CREATE TABLE sessions (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	expires_at TEXT NOT NULL,
	status TEXT NOT NULL,
	-- Counts the changes of the session's fields. The ETag is made from it.
	version INTEGER NOT NULL DEFAULT 1,
	created_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	-- Until when somebody may be following the session. Followers renew it. NULL: nobody has followed it yet.
	followed_until TEXT,
	idempotency_key TEXT CONSTRAINT idempotency_key_length CHECK (length(idempotency_key) <= 255),
	idempotency_fingerprint TEXT,
	catalog_version TEXT CONSTRAINT catalog_version_length CHECK (length(catalog_version) <= 255),
	schema_version TEXT CONSTRAINT schema_version_length CHECK (length(schema_version) <= 255),
	product_object_hash TEXT CONSTRAINT product_object_hash_length CHECK (length(product_object_hash) <= 255),
	-- The large columns come last, because SQLite reads a row from its beginning as far as it needs.
	prd TEXT CONSTRAINT prd_size CHECK (octet_length(prd) <= 400000),
	plan TEXT CONSTRAINT plan_size CHECK (octet_length(plan) <= 400000),
	product_object TEXT CONSTRAINT product_object_size CHECK (octet_length(product_object) <= 400000),
	assembly_state TEXT CONSTRAINT assembly_state_size CHECK (octet_length(assembly_state) <= 400000)
) STRICT;

-- Finds a session by its id. It has a name, so that statements can demand it: without, SQLite scans the table where statistics
-- say that it is small.
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
-- The list of a caller's sessions, in the order of the ids; expires_at makes its count covering.
CREATE INDEX sessions_by_owner ON sessions (user_id, organization_id, id, expires_at);
-- The same for one status. The one index that an update can touch.
CREATE INDEX sessions_by_owner_and_status ON sessions (user_id, organization_id, status, id, expires_at);
-- What the cleanup deletes next.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
-- One session for one Idempotency-Key of one caller. NULLs are distinct in a UNIQUE index, hence ifnull.
CREATE UNIQUE INDEX sessions_by_idempotency_key ON sessions (user_id, ifnull(organization_id, ''), idempotency_key)
	WHERE idempotency_key IS NOT NULL;

-- WITHOUT ROWID: an append writes one row and no index entry.
CREATE TABLE events (
	session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	-- From 1, given by the INSERT itself: no clock takes part.
	position INTEGER NOT NULL,
	-- The bytes of this event's type, stage, message and payload, and of all events before it. An append reads them with the
	-- position, so that the quota costs no counter.
	bytes_so_far INTEGER NOT NULL DEFAULT 0,
	-- Contains the position, so that a page after an event needs no index of ids.
	id TEXT NOT NULL,
	type TEXT NOT NULL CONSTRAINT type_length CHECK (length(type) BETWEEN 1 AND 255),
	stage TEXT CONSTRAINT stage_length CHECK (length(stage) <= 255),
	created_at TEXT NOT NULL,
	idempotency_key TEXT CONSTRAINT idempotency_key_length CHECK (length(idempotency_key) <= 255),
	idempotency_fingerprint TEXT,
	message TEXT CONSTRAINT message_length CHECK (length(message) <= 10000),
	payload TEXT NOT NULL CONSTRAINT payload_size CHECK (octet_length(payload) <= 65536),
	PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_by_idempotency_key ON events (session_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;

CREATE TABLE api_keys (
	id TEXT NOT NULL,
	-- SHA-256 of the whole key in lowercase hex; the key itself is stored nowhere.
	key_hash TEXT NOT NULL,
	-- The key's first characters, to tell keys apart in a list, and live keys from test keys.
	prefix TEXT NOT NULL,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	name TEXT,
	-- Comma-separated.
	permissions TEXT NOT NULL,
	created_at TEXT NOT NULL,
	expires_at TEXT,
	revoked_at TEXT,
	last_used_at TEXT,
	-- The one session that the key may read. NULL: all sessions of its owner. Only DB has keys, so this is no foreign key.
	session_id TEXT,
	-- What made a key for one session, and ends it: an API key, or a session of Clerk (`sid`).
	maker_key_id TEXT,
	maker_clerk_session_id TEXT
) STRICT;

CREATE UNIQUE INDEX api_keys_by_id ON api_keys (id);
-- The key of a request.
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (key_hash);
-- Counts the keys of a session before it gets another.
CREATE INDEX api_keys_of_session ON api_keys (session_id, expires_at) WHERE session_id IS NOT NULL;
-- What the cleanup deletes next of these keys.
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at) WHERE session_id IS NOT NULL;

-- Where the sessions with an Idempotency-Key of a caller are: 0 is DB, n is DB_n. Only DB has rows here, and only while further
-- databases are bound. organization_id is '' without an organization.
CREATE TABLE create_keys (
	user_id TEXT NOT NULL,
	organization_id TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	database INTEGER NOT NULL,
	-- The end of the session's first life.
	expires_at TEXT NOT NULL,
	PRIMARY KEY (user_id, organization_id, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX create_keys_by_expiry ON create_keys (expires_at);

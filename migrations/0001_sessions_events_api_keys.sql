-- Timestamps are ISO 8601 UTC with milliseconds: they sort as text and go over the wire as they are.
-- The CHECK constraints repeat limits that the Worker has already enforced; production D1 refuses
-- values over 2,000,000 bytes, a local one does not.

CREATE TABLE sessions (
	-- A rowid table on purpose: rows are large, and clustering them by owner makes the file three times
	-- as big and updates four times as slow.
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	status TEXT NOT NULL,
	catalog_version TEXT CONSTRAINT catalog_version_length CHECK (length(catalog_version) <= 255),
	schema_version TEXT CONSTRAINT schema_version_length CHECK (length(schema_version) <= 255),
	prd TEXT CONSTRAINT prd_size CHECK (octet_length(prd) <= 400000),
	plan TEXT CONSTRAINT plan_size CHECK (octet_length(plan) <= 400000),
	product_object TEXT CONSTRAINT product_object_size CHECK (octet_length(product_object) <= 400000),
	product_object_hash TEXT CONSTRAINT product_object_hash_length CHECK (length(product_object_hash) <= 255),
	assembly_state TEXT CONSTRAINT assembly_state_size CHECK (octet_length(assembly_state) <= 400000),
	-- Counts the changes of the session's fields; the ETag is made from it.
	version INTEGER NOT NULL DEFAULT 1,
	created_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	idempotency_key TEXT CONSTRAINT idempotency_key_length CHECK (length(idempotency_key) <= 255),
	idempotency_fingerprint TEXT
) STRICT;

-- The list of a caller's sessions, newest first; expires_at makes its count covering.
CREATE INDEX sessions_by_owner ON sessions (user_id, organization_id, created_at, seq, expires_at);
-- The same for one status. The one index that a PATCH can touch.
CREATE INDEX sessions_by_owner_and_status ON sessions (user_id, organization_id, status, created_at, seq, expires_at);
-- What the cleanup removes next.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
-- One session for one Idempotency-Key of one caller. NULLs are distinct in a UNIQUE index, hence ifnull.
CREATE UNIQUE INDEX sessions_by_idempotency_key ON sessions (user_id, ifnull(organization_id, ''), idempotency_key)
	WHERE idempotency_key IS NOT NULL;

CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	-- The event's place in its session, from 1, given by the INSERT itself: no clock takes part.
	number INTEGER NOT NULL,
	-- Carries the number, so that a page after an event needs no index of ids.
	id TEXT NOT NULL,
	type TEXT NOT NULL CONSTRAINT type_length CHECK (length(type) BETWEEN 1 AND 255),
	stage TEXT CONSTRAINT stage_length CHECK (length(stage) <= 255),
	message TEXT CONSTRAINT message_length CHECK (length(message) <= 10000),
	payload TEXT NOT NULL CONSTRAINT payload_size CHECK (octet_length(payload) <= 65536),
	created_at TEXT NOT NULL,
	idempotency_key TEXT CONSTRAINT idempotency_key_length CHECK (length(idempotency_key) <= 255),
	idempotency_fingerprint TEXT,
	UNIQUE (session_id, number)
) STRICT;

CREATE UNIQUE INDEX events_by_idempotency_key ON events (session_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;

CREATE TABLE api_keys (
	id TEXT PRIMARY KEY,
	-- SHA-256 of the whole key in lowercase hex; the key itself is stored nowhere.
	key_hash TEXT NOT NULL UNIQUE,
	-- The key's first characters, to tell keys apart in a list.
	prefix TEXT NOT NULL,
	user_id TEXT NOT NULL,
	organization_id TEXT,
	name TEXT,
	-- Comma-separated.
	permissions TEXT NOT NULL,
	environment TEXT NOT NULL,
	created_at TEXT NOT NULL,
	expires_at TEXT,
	revoked_at TEXT,
	last_used_at TEXT
) STRICT;

-- D1's documentation advises this after each new index.
PRAGMA optimize;

-- All databases have the same tables. These rows are written in DB alone, and only while further databases are bound.

-- Where the sessions with an Idempotency-Key of a caller are: 0 is DB, n is DB_n. The first create decides, so that a retry goes
-- to the same database from wherever it comes. organization_id is '' without an organization.
CREATE TABLE placed_idempotency_keys (
	user_id TEXT NOT NULL,
	organization_id TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	database INTEGER NOT NULL,
	-- The end of the session's first life. The cleanup then asks the database whether the session still has the key.
	expires_at TEXT NOT NULL,
	PRIMARY KEY (user_id, organization_id, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX placed_idempotency_keys_by_expiry ON placed_idempotency_keys (expires_at);

-- The one session that a key may read, where it is in another database: session_id refers to sessions of DB. Such a key has
-- no permissions stored, so that a Worker of an earlier version, which does not know the column, refuses it.
ALTER TABLE api_keys ADD COLUMN placed_session_id TEXT;
-- What the cleanup removes next of these.
CREATE INDEX api_keys_of_placed_sessions ON api_keys (expires_at) WHERE placed_session_id IS NOT NULL;

-- D1's documentation advises this after each new index.
PRAGMA optimize;

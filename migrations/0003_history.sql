-- What sessions were: one row for each earlier version that is kept. docs/storage.md explains it. The rows of a session have
-- consecutive versions. If the last of them is not the one before the current version, history was off meanwhile, and none counts.
CREATE TABLE versions (
	session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	version INTEGER NOT NULL,
	-- What this row counts towards HISTORY_BYTES, and what all rows before it have counted since the first change.
	bytes INTEGER NOT NULL,
	bytes_before INTEGER NOT NULL,
	-- The position of the latest event when the version began, 0 without events, and the columns that its change set,
	-- comma-separated. NULL: the change was made while history was off.
	after_event INTEGER,
	changed TEXT,
	-- The same of the next version. It becomes a row only when a change replaces it.
	next_after_event INTEGER NOT NULL,
	next_changed TEXT NOT NULL,
	status TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	product_object_hash TEXT CONSTRAINT product_object_hash_length CHECK (length(product_object_hash) <= 255),
	-- How each object of the next version becomes that of this version: NULL, it is the same; 'null', there was none; '{…',
	-- this one; '[…', the parts that differ (src/history/parts.ts).
	prd TEXT CONSTRAINT prd_size CHECK (octet_length(prd) <= 400000),
	plan TEXT CONSTRAINT plan_size CHECK (octet_length(plan) <= 400000),
	product_object TEXT CONSTRAINT product_object_size CHECK (octet_length(product_object) <= 400000),
	assembly_state TEXT CONSTRAINT assembly_state_size CHECK (octet_length(assembly_state) <= 400000),
	PRIMARY KEY (session_id, version)
) STRICT, WITHOUT ROWID;

-- Webhooks, explained in docs/storage.md.

-- DB has every endpoint. Each further database has a copy of each, so that a write finds the endpoints of its caller in the
-- database of its session. The primary key is the index that each write looks into.
CREATE TABLE webhook_endpoints (
	user_id TEXT NOT NULL,
	-- '' without an organization.
	organization_id TEXT NOT NULL,
	id TEXT NOT NULL,
	url TEXT NOT NULL CONSTRAINT url_length CHECK (length(url) <= 2048),
	-- The names of events, as a JSON array.
	names TEXT NOT NULL,
	-- `whsec_` and base64. Signing needs the secret itself.
	secret TEXT NOT NULL,
	-- The secret before the last rotation, and until when it signs too.
	previous_secret TEXT,
	previous_secret_until TEXT,
	created_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	-- Counts the changes, so that an older copy never replaces a newer one.
	revision INTEGER NOT NULL DEFAULT 1,
	-- Why nothing is sent, since when, and a sentence about it. NULL: the endpoint is enabled.
	disabled_code TEXT,
	disabled_at TEXT,
	disabled_reason TEXT,
	-- In DB: the numbers of the further databases that have this revision, such as '1,2'. Not used in a copy.
	copied_to TEXT NOT NULL DEFAULT '',
	-- What this database knows of the endpoint: how many messages failed for good since the last success, and until when nothing is sent.
	failed_in_a_row INTEGER NOT NULL DEFAULT 0,
	resume_at TEXT,
	PRIMARY KEY (user_id, organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX webhook_endpoints_by_id ON webhook_endpoints (id);
-- The endpoints that some further database lacks.
CREATE INDEX webhook_endpoints_by_copies ON webhook_endpoints (copied_to, id);

-- The messages that are owed: one for each change of a session and each endpoint that asked for it, in the database of the
-- session. A message is deleted when it has arrived. The primary key begins with what a delivery looks for, so a message is
-- one row and no index entry until a try fails.
CREATE TABLE webhook_messages (
	endpoint_id TEXT NOT NULL,
	-- When the next try is due, or until when a delivery has taken the message. 'never' after the last try.
	next_try_at TEXT NOT NULL,
	-- The same on each try. Made from the session's id and the event's position or the session's version.
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	-- When it happened.
	created_at TEXT NOT NULL,
	session_id TEXT NOT NULL,
	status TEXT NOT NULL,
	-- The version of the session. The ETag is made from it.
	version INTEGER NOT NULL,
	event_id TEXT,
	-- The tries that failed, and how the last one did.
	tries INTEGER NOT NULL DEFAULT 0,
	last_try_at TEXT,
	last_status INTEGER,
	last_error TEXT,
	PRIMARY KEY (endpoint_id, next_try_at, id)
) STRICT, WITHOUT ROWID;

-- The list of an endpoint's failed deliveries.
CREATE INDEX webhook_messages_by_failure ON webhook_messages (endpoint_id, created_at, id) WHERE tries > 0;

-- The one session that a key may read; NULL for a key that may read all sessions of its owner. The key goes with it.
ALTER TABLE api_keys ADD COLUMN session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE;

-- Finds the keys of a session when it is deleted. Other keys are not in it.
CREATE INDEX api_keys_by_session ON api_keys (session_id) WHERE session_id IS NOT NULL;

-- D1's documentation advises this after each new index.
PRAGMA optimize;

-- A key for one session ends with the credential that made it. That is an API key, or a session of Clerk (`sid`), which ends
-- where the service cannot see it. Both are NULL for a key that the keys command made.
ALTER TABLE api_keys ADD COLUMN maker_key_id TEXT;
ALTER TABLE api_keys ADD COLUMN maker_clerk_session_id TEXT;

-- All keys for one session name it in placed_session_id, whichever database holds the session. Such a key does not go with
-- its session in one statement, which could have any number of keys to delete. Without the session it reads nothing, and the
-- cleanup deletes it when it has expired.
UPDATE api_keys SET placed_session_id = ifnull(placed_session_id, session_id), session_id = NULL, permissions = 'PRODUCTS:READ'
	WHERE session_id IS NOT NULL OR placed_session_id IS NOT NULL;

-- Counts the keys of a session before it gets another.
CREATE INDEX api_keys_of_session ON api_keys (placed_session_id, expires_at) WHERE placed_session_id IS NOT NULL;

-- D1's documentation advises this after each new index.
PRAGMA optimize;

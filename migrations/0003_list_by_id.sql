-- The list's order is that of the ids, the newest first. An id holds the time of its creation, so it says by itself where
-- its session stands in the list, also when the session is gone.
-- Until the new Worker is up, the old one sorts a caller's list by its times, which are the times of the ids.

DROP INDEX sessions_by_owner;
-- The list of a caller's sessions; expires_at makes its count covering.
CREATE INDEX sessions_by_owner ON sessions (user_id, organization_id, id, expires_at);

DROP INDEX sessions_by_owner_and_status;
-- The same for one status.
CREATE INDEX sessions_by_owner_and_status ON sessions (user_id, organization_id, status, id, expires_at);

PRAGMA optimize;

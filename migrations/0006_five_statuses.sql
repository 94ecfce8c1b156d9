-- A session has one of five statuses. Earlier versions of the service also stored planning, completed and cancelled.

-- The old Worker writes these until the new one is up. The trigger reads and writes nothing for any other status.
CREATE TRIGGER sessions_former_status AFTER UPDATE OF status ON sessions
WHEN NEW.status IN ('planning', 'completed', 'cancelled')
BEGIN
	UPDATE sessions
	SET
		status = CASE status WHEN 'planning' THEN 'generating' WHEN 'completed' THEN 'complete' ELSE 'failed' END,
		version = version + 1
	WHERE seq = NEW.seq;
END;

-- The version counts this change, because the ETag does. An index finds the rows, so that only their objects are read.
UPDATE sessions
SET
	status = CASE status WHEN 'planning' THEN 'generating' WHEN 'completed' THEN 'complete' ELSE 'failed' END,
	version = version + 1
WHERE seq IN (SELECT seq FROM sessions WHERE status IN ('planning', 'completed', 'cancelled'));

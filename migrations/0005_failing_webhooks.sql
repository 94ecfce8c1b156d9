-- Since when every try to send something to a webhook has failed, as far as this database knows. NULL: the last one arrived, or there was
-- none. docs/storage.md explains it.
ALTER TABLE webhook_endpoints ADD COLUMN failing_since TEXT;

-- The types of events that a key for one session may append: a JSON array of texts, in which a `*` at the end stands for any rest.
-- NULL: none, and for a key that is not for one session.
ALTER TABLE api_keys ADD COLUMN append_types TEXT
	CONSTRAINT append_types_count CHECK (json_array_length(append_types) BETWEEN 1 AND 20);

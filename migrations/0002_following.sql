-- Until when somebody may be following the session live; followers renew it. NULL: nobody has followed it yet.
ALTER TABLE sessions ADD COLUMN followed_until TEXT;
-- 1 if somebody was following the session when the event was appended. RETURNING reads only the row that it wrote, so a
-- copy in that row is what tells the writer without another row read.
ALTER TABLE events ADD COLUMN followed INTEGER;

-- How many attempts a limit has refused since it let one pass: the first few are events, and then fewer and fewer.
ALTER TABLE rate_limits ADD COLUMN rejected BIGINT NOT NULL DEFAULT 0;
-- For lists of one kind of event, newest first, and for counting them by time.
CREATE INDEX events_name ON events (name, id, at);

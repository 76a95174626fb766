-- The audit log: rows are added, never changed.
CREATE TABLE events (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  name TEXT NOT NULL,
  -- The user that the event is about, and the actor: a user's id, 'operator' for the command line, or null.
  user_id TEXT COLLATE "binary",
  actor_id TEXT COLLATE "binary",
  session_id TEXT COLLATE "binary",
  request_id TEXT,
  ip TEXT,
  user_agent TEXT,
  details TEXT NOT NULL
);
CREATE INDEX events_user_id ON events (user_id, id);
CREATE INDEX events_request_id ON events (request_id);
-- For lists of one kind of event, newest first, and for counting them by time.
CREATE INDEX events_name ON events (name, id, at);

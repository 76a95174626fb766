-- Browsers and API clients that have signed in to an account before. Each has attempts of its own, so an account has
-- few of them, and they expire: 90 days after the last sign-in, or with a new password (`users.device_epoch`).
CREATE TABLE devices (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  user_id TEXT COLLATE "binary" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- 'cookie' (a browser, identified by its device cookie) or 'bearer' (an API client, identified by its name and
  -- network).
  kind TEXT NOT NULL,
  -- The account's `device_epoch` at the last sign-in. A device of an older epoch is no longer known.
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL
);
CREATE INDEX devices_user_id ON devices (user_id, kind, last_used_at);
CREATE INDEX devices_last_used_at ON devices (last_used_at);

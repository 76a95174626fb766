-- Browsers and programs that signed in to an account before. A browser of these has guesses of its own, so there are few of
-- them, and each ends: 90 days after its last sign-in, or with the epoch of its account.
CREATE TABLE devices (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  user_id TEXT COLLATE "binary" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- 'cookie' (a browser, known by its device cookie) or 'bearer' (a program, known by its name and its network).
  kind TEXT NOT NULL,
  -- The account's `device_epoch` at its last sign-in. One of an older epoch is not known any more.
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL
);
CREATE INDEX devices_user_id ON devices (user_id, kind, last_used_at);
CREATE INDEX devices_last_used_at ON devices (last_used_at);
-- Raised with every new password: whoever knew the old one keeps no known device.
ALTER TABLE users ADD COLUMN device_epoch BIGINT NOT NULL DEFAULT 0;

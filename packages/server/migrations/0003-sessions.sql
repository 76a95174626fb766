CREATE TABLE sessions (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  user_id TEXT COLLATE "binary" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- 'cookie' (slides) or 'bearer' (refresh tokens).
  kind TEXT NOT NULL,
  -- How the user proved who they are (RFC 8176), space separated.
  amr TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- Accurate to a minute for cookies, which slide without a write.
  last_seen_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revoked_reason TEXT,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  -- Bearer only: the number of the refresh token that is good now, and when the one before it was used.
  refresh_number BIGINT NOT NULL,
  refreshed_at BIGINT NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id, revoked_at, last_seen_at);
CREATE INDEX sessions_last_seen_at ON sessions (last_seen_at);

CREATE TABLE sessions (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  user_id TEXT COLLATE "binary" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- 'cookie' (every request extends it) or 'bearer' (extended with refresh tokens).
  kind TEXT NOT NULL,
  -- Authentication methods (RFC 8176), separated by spaces.
  amr TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- When the user last authenticated in this session: at its start, and whenever the password was asked for again.
  authenticated_at BIGINT NOT NULL,
  -- Accurate to a minute for cookies, which are extended without a write.
  last_seen_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revoked_reason TEXT,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  -- Bearer only: the default audience of its access tokens; null for Usher itself.
  audience TEXT,
  -- Bearer only: the number of the valid refresh token, and when the previous one was used.
  refresh_number BIGINT NOT NULL,
  refreshed_at BIGINT NOT NULL,
  -- Bearer only: when a used refresh token was sent again before its successor was used; the last day's, separated by
  -- spaces.
  refresh_retries TEXT NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id, revoked_at, last_seen_at);
CREATE INDEX sessions_last_seen_at ON sessions (last_seen_at);

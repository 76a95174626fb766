-- What each rate limit has counted. Its subject (an account, an email, an IP range) is stored as an HMAC, so that the
-- table does not tell who was tried.
CREATE TABLE rate_limits (
  key TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  count BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  -- Attempts that were rejected since one was last allowed: the first few are recorded as events, and then fewer and
  -- fewer.
  rejected BIGINT NOT NULL
);
CREATE INDEX rate_limits_expires_at ON rate_limits (expires_at);
-- For rate limits that count different identifiers instead of attempts.
CREATE TABLE rate_limit_members (
  key TEXT COLLATE "binary" NOT NULL,
  member TEXT COLLATE "binary" NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (key, member)
);
CREATE INDEX rate_limit_members_expires_at ON rate_limit_members (expires_at);

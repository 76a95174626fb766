-- Names are kept as HMACs: the table tells nothing about who was tried.
CREATE TABLE rate_limits (
  key TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  count BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX rate_limits_expires_at ON rate_limits (expires_at);
CREATE TABLE rate_limit_members (
  key TEXT COLLATE "binary" NOT NULL,
  member TEXT COLLATE "binary" NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (key, member)
);
CREATE INDEX rate_limit_members_expires_at ON rate_limit_members (expires_at);

CREATE TABLE users (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  username TEXT NOT NULL,
  username_key TEXT COLLATE "binary" NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT COLLATE "binary" NOT NULL,
  email_verified_at BIGINT,
  password_hash TEXT NOT NULL,
  password_changed_at BIGINT NOT NULL,
  admin_since BIGINT,
  disabled_at BIGINT,
  -- Written by every sign-in: the row's lock is what puts a sign-in before or after a change of password,
  -- a disable or a deletion, never beside it.
  last_sign_in_at BIGINT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_admin_since ON users (admin_since) WHERE admin_since IS NOT NULL;

CREATE TABLE users (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  username TEXT NOT NULL,
  -- The normalized form that must be unique.
  username_key TEXT COLLATE "binary" NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT COLLATE "binary" NOT NULL,
  email_verified_at BIGINT,
  -- Counts the emails that the account has had. A link that undoes a change of email carries the number of the email
  -- that it was sent to, so that an older email outranks later ones, whatever the clocks say.
  email_version BIGINT NOT NULL DEFAULT 1,
  password_hash TEXT NOT NULL,
  password_changed_at BIGINT NOT NULL,
  -- Since when the user must choose a new password: the current one was generated, or set by someone else.
  password_change_required_at BIGINT,
  admin_since BIGINT,
  disabled_at BIGINT,
  -- Updated by every sign-in: the lock on this row orders a sign-in before or after a password change, a disable or a
  -- deletion of the same user.
  last_sign_in_at BIGINT,
  -- Incremented with every new password, so that devices which knew the old one are forgotten.
  device_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_admin_since ON users (admin_since) WHERE admin_since IS NOT NULL;
-- Lists of administrators and of disabled users, in each order that they can be sorted by: these are few among many
-- users.
CREATE INDEX users_admins ON users (id) WHERE admin_since IS NOT NULL;
CREATE INDEX users_admins_by_username ON users (username_key) WHERE admin_since IS NOT NULL;
CREATE INDEX users_admins_by_email ON users (email_key) WHERE admin_since IS NOT NULL;
CREATE INDEX users_disabled ON users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_disabled_by_username ON users (username_key) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_disabled_by_email ON users (email_key) WHERE disabled_at IS NOT NULL;

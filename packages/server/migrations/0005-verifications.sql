-- One row for each email with a code and a link. An email that no account has gets a row too, so that both cost the
-- same work; no code or link matches it.
CREATE TABLE verifications (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  user_id TEXT COLLATE "binary" REFERENCES users (id) ON DELETE CASCADE,
  -- HMACs under keys that are not in the database: of the email, and of the code with everything that it is valid for.
  email_mac TEXT COLLATE "binary" NOT NULL,
  code_mac TEXT NOT NULL,
  -- The token of the link has 256 random bits, so its SHA-256 hides it.
  link_hash TEXT COLLATE "binary" NOT NULL,
  -- How often a code was tried.
  checks BIGINT NOT NULL,
  -- What happens after the verification: a new user, or a new email. Encrypted under a key that is not in the database.
  pending_change_encrypted TEXT,
  -- For a link that undoes a change of email: the `users.email_version` of the email that it was sent to.
  email_version BIGINT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  -- When it was used or canceled.
  ended_at BIGINT
);
CREATE UNIQUE INDEX verifications_link_hash ON verifications (link_hash);
CREATE INDEX verifications_email_mac ON verifications (email_mac, created_at);
CREATE INDEX verifications_user_id ON verifications (user_id);
CREATE INDEX verifications_expires_at ON verifications (expires_at);

-- One row for each mail that carries a code and a link: a flow of its own, with checks of its own. A flow for an address
-- that no account has is a row too: it is checked like the others, and nothing fits it.
CREATE TABLE verifications (
  id TEXT COLLATE "binary" PRIMARY KEY,
  purpose TEXT NOT NULL,
  user_id TEXT COLLATE "binary" REFERENCES users (id) ON DELETE CASCADE,
  -- HMACs under keys that are not in the database: of the address, and of the code with all that it is good for.
  email_mac TEXT COLLATE "binary" NOT NULL,
  code_mac TEXT NOT NULL,
  link_hash TEXT COLLATE "binary" NOT NULL,
  checks BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE UNIQUE INDEX verifications_link_hash ON verifications (link_hash);
CREATE INDEX verifications_address_mac ON verifications (email_mac, created_at);
CREATE INDEX verifications_user_id ON verifications (user_id);
CREATE INDEX verifications_expires_at ON verifications (expires_at);

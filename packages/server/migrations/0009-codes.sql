-- One row for each mail that carries a code and a link: a flow of its own, with checks of its own. A flow for an address
-- that no account has is a row too: it is checked like the others, and nothing fits it.
CREATE TABLE codes (
  id TEXT COLLATE "binary" PRIMARY KEY,
  purpose TEXT NOT NULL,
  user_id TEXT COLLATE "binary" REFERENCES users (id) ON DELETE CASCADE,
  -- HMACs under keys that are not in the database: of the address, and of the code with all that it is good for.
  address_mac TEXT COLLATE "binary" NOT NULL,
  code_mac TEXT NOT NULL,
  link_hash TEXT COLLATE "binary" NOT NULL,
  checks BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE UNIQUE INDEX codes_link_hash ON codes (link_hash);
CREATE INDEX codes_address_mac ON codes (address_mac, created_at);
CREATE INDEX codes_user_id ON codes (user_id);
CREATE INDEX codes_expires_at ON codes (expires_at);

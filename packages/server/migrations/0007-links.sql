-- Long single-use secrets (links). The secret itself is never stored, only its SHA-256.
CREATE TABLE setup_links (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  secret_hash TEXT COLLATE "binary" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE UNIQUE INDEX setup_links_secret_hash ON setup_links (secret_hash);

-- Long single-use secrets (links). The secret itself is never stored, only its SHA-256.
CREATE TABLE links (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  secret_hash TEXT COLLATE "binary" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE UNIQUE INDEX links_secret_hash ON links (secret_hash);

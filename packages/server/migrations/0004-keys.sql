CREATE TABLE keys (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  algorithm TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  -- AES-256-GCM under a key derived from the installation's secret.
  private_jwk_encrypted TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- Published from creation, signs from here on: verifiers that cache the JWKS have it by then.
  signs_from BIGINT NOT NULL,
  -- Published until here: the last token it signed has expired by then. Unset for the newest key.
  published_until BIGINT
);

-- Signing keys of access tokens.
CREATE TABLE keys (
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  algorithm TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  -- AES-256-GCM under a key derived from the installation's secret.
  private_jwk_encrypted TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- Published from creation, but signs from here on: services that cache the JWKS have it by then.
  signs_from BIGINT NOT NULL,
  -- Published until here, when the last token that it signed has expired. Null for the newest key.
  published_until BIGINT
);

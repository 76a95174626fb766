-- One row: what this installation is, and what it may do only once.
CREATE TABLE installation (
  id BIGINT NOT NULL PRIMARY KEY,
  installation_id TEXT NOT NULL,
  -- An HMAC of a constant under the installation's secret: a start with another secret is refused.
  secret_check TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- When the first admin was made; from then on the set-up link answers 410.
  setup_completed_at BIGINT,
  -- Touched first by every transaction that takes an admin away, so that two of them are never side by side.
  admins_revision BIGINT NOT NULL,
  -- Likewise for signing keys.
  keys_revision BIGINT NOT NULL
);

-- A single row with the identity of this installation, and what may happen only once in it.
CREATE TABLE installation (
  id BIGINT NOT NULL PRIMARY KEY,
  installation_id TEXT NOT NULL,
  -- An HMAC of a constant under the installation's secret: a start with another secret fails.
  secret_check TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  -- When the first administrator was created; from then on the set-up link answers 410.
  setup_completed_at BIGINT,
  -- Updated first by every transaction that removes an administrator, so that no two of them run at the same time.
  admins_revision BIGINT NOT NULL,
  -- The same for transactions that create signing keys.
  keys_revision BIGINT NOT NULL,
  -- A dummy password hash that costs as much as the slowest one ever imported. Every process measures it, so that a
  -- failed sign-in takes equally long for every account.
  slowest_hash TEXT,
  -- Incremented as state changes. A file outside the database stores the newest value, so that a restored older copy of
  -- the database is detected.
  state_revision BIGINT NOT NULL
);

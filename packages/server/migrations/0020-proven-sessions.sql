-- When the user last proved who they are within this session: at its beginning, and whenever a password was asked for again.
ALTER TABLE sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET authenticated_at = created_at;

-- Raised while things happen. A file outside the database remembers it, so that an older copy of the database is noticed.
ALTER TABLE installation ADD COLUMN state_revision BIGINT NOT NULL DEFAULT 0;

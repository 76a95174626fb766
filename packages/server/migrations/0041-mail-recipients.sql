-- How many are to get the mail: 1, or 0 for a decoy, which takes up no room in the outbox.
ALTER TABLE emails ADD COLUMN recipients BIGINT NOT NULL DEFAULT 1;
-- Holds every mail that waits, decoys too, so that both cost the same to write.
CREATE INDEX emails_recipients ON emails (recipients, due_at) WHERE due_at IS NOT NULL;

-- What the mail server said to the last try, 300 characters of it at most: its words quote addresses, so they are sealed like
-- what the mail says (AES-256-GCM, under the same derived key). Dropped with the user, and with the row.
ALTER TABLE emails ADD COLUMN smtp_reply_text_encrypted TEXT;
-- Tries before it was last sent again: a mail that was refused or given up can be, and then gets a new round of them.
-- Until then what it says is kept: past its expires_at it is not.
ALTER TABLE emails ADD COLUMN attempts_before_retry BIGINT NOT NULL DEFAULT 0;
CREATE INDEX emails_unsent ON emails (expires_at) WHERE content_encrypted IS NOT NULL AND due_at IS NULL;

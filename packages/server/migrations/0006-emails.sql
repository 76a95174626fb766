-- The outbox: a flow adds an email in its own transaction, and a job sends it.
CREATE TABLE emails (
  -- Also the Message-ID, the same at every attempt, so that a recipient can recognize a duplicate.
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT COLLATE "binary",
  -- 1, or 0 for a decoy, which is never sent and takes no room in the outbox.
  recipients BIGINT NOT NULL DEFAULT 1,
  -- Recipient, code and link: AES-256-GCM under a key derived from the installation's secret. Removed when the email
  -- ends.
  content_encrypted TEXT,
  created_at BIGINT NOT NULL,
  -- After this time it is no longer sent.
  expires_at BIGINT NOT NULL,
  -- When the next attempt is due. While a process sends it: when that process counts as dead. Null once the email has
  -- ended.
  due_at BIGINT,
  attempts BIGINT NOT NULL,
  -- Attempts before an administrator or operator retried it: a rejected or expired email then gets a new round of them.
  attempts_before_retry BIGINT NOT NULL,
  ended_at BIGINT,
  -- How it ended: 'sent', 'rejected', 'expired', 'stored' (for the mailbox page), 'decoy'.
  status TEXT,
  -- The code of the mail server's last reply, or the name of the error; never its text, which can quote addresses.
  smtp_reply TEXT,
  -- The text of that reply, at most 300 characters, encrypted like the content. Removed with the user.
  smtp_reply_text_encrypted TEXT
);
CREATE INDEX emails_due_at ON emails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX emails_created_at ON emails (created_at);
CREATE INDEX emails_user_id ON emails (user_id);
CREATE INDEX emails_unsent ON emails (expires_at) WHERE content_encrypted IS NOT NULL AND due_at IS NULL;
-- Contains every waiting email, decoys too, so that both cost the same to write.
CREATE INDEX emails_recipients ON emails (recipients, due_at) WHERE due_at IS NOT NULL;

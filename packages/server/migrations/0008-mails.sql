-- The outbox: a flow puts a mail here in its own transaction, and a job sends it.
CREATE TABLE emails (
  -- Also the Message-ID, the same at every try: whoever gets a mail twice can tell.
  id TEXT COLLATE "binary" NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT COLLATE "binary",
  -- Address, code and link: AES-256-GCM under a key derived from the installation's secret. Dropped with the end of the mail.
  content_encrypted TEXT,
  created_at BIGINT NOT NULL,
  -- From here on it is not worth sending.
  expires_at BIGINT NOT NULL,
  -- When it is to be tried next. While a process sends it: when that process counts as gone. Unset once it has ended.
  due_at BIGINT,
  attempts BIGINT NOT NULL,
  ended_at BIGINT,
  -- How it ended: 'sent', 'refused', 'expired', 'kept' (for the mailbox page), 'decoy' (nobody was to get it).
  status TEXT,
  -- The number that the mail server answered last, or the name of what went wrong; never its words, which quote addresses.
  answer TEXT
);
CREATE INDEX emails_due_at ON emails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX emails_created_at ON emails (created_at);
CREATE INDEX emails_user_id ON emails (user_id);

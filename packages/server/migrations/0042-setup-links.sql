-- The set-up link is a verification like the others: a link without a code, of nobody's account.
INSERT INTO verifications (id, purpose, user_id, email_mac, code_mac, link_hash, checks, created_at, expires_at, ended_at)
  SELECT id, purpose, NULL, '', '', secret_hash, 0, created_at, expires_at, used_at FROM setup_links;
DROP TABLE setup_links;

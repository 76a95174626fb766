-- Since when the user must choose a new password: the one in force was generated, or set by somebody else.
ALTER TABLE users ADD COLUMN password_change_required_at BIGINT;

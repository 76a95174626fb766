-- What a user wants to be called. It identifies nobody: two users may have the same.
ALTER TABLE users ADD COLUMN display_name TEXT;

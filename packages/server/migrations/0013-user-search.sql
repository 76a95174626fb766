-- What searches for users look in, one row for each user, kept by triggers: two line breaks before each of username,
-- email and display name, all normalized. So a search from the start of one of them is a search for text, too, and the
-- order of the texts is that of the usernames.
ALTER TABLE users ADD COLUMN display_name_key TEXT;

-- Only SQLite:
CREATE TABLE user_search (
  -- The row of the index below: an id that VACUUM keeps.
  number INTEGER NOT NULL PRIMARY KEY,
  user_id TEXT COLLATE "binary" NOT NULL,
  text TEXT COLLATE "binary" NOT NULL
);
-- With the text, so that a search in either order reads the index alone.
CREATE INDEX user_search_user_id ON user_search (user_id, text);
CREATE INDEX user_search_text ON user_search (text, user_id);
CREATE VIRTUAL TABLE user_search_trigrams USING fts5(
  text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);
CREATE TRIGGER user_search_insert AFTER INSERT ON users BEGIN
  INSERT INTO user_search (user_id, text) VALUES (
    new.id,
    char(10, 10) || new.username_key || char(10, 10) || new.email_key
      || char(10, 10) || coalesce(new.display_name_key, '')
  );
END;
CREATE TRIGGER user_search_update AFTER UPDATE OF username_key, email_key, display_name_key ON users BEGIN
  UPDATE user_search SET text =
    char(10, 10) || new.username_key || char(10, 10) || new.email_key
      || char(10, 10) || coalesce(new.display_name_key, '')
  WHERE user_id = new.id;
END;
CREATE TRIGGER user_search_delete AFTER DELETE ON users BEGIN
  DELETE FROM user_search WHERE user_id = old.id;
END;
CREATE TRIGGER user_search_trigrams_insert AFTER INSERT ON user_search BEGIN
  INSERT INTO user_search_trigrams (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER user_search_trigrams_update AFTER UPDATE OF text ON user_search BEGIN
  DELETE FROM user_search_trigrams WHERE rowid = old.number;
  INSERT INTO user_search_trigrams (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER user_search_trigrams_delete AFTER DELETE ON user_search BEGIN
  DELETE FROM user_search_trigrams WHERE rowid = old.number;
END;
INSERT INTO user_search (user_id, text)
SELECT id, char(10, 10) || username_key || char(10, 10) || email_key || char(10, 10) FROM users ORDER BY id;

-- Only PostgreSQL:
CREATE TABLE user_search (
  user_id TEXT COLLATE "binary" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  text TEXT COLLATE "binary" NOT NULL,
  PRIMARY KEY (user_id) INCLUDE (text)
);
INSERT INTO user_search (user_id, text)
SELECT id, E'\n\n' || username_key || E'\n\n' || email_key || E'\n\n' FROM users;
CREATE INDEX user_search_text ON user_search (text, user_id);
-- A function of our own: the extension pg_trgm needs a right that may be missing, and leaves out punctuation and, in
-- this collation, every letter that is not ASCII.
CREATE OR REPLACE FUNCTION usher_trigrams(value TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT substr(value, n, 3)) FROM generate_series(1, length(value) - 2) AS n
$$;
-- Every search reads what was not merged into the index yet, so that is kept short (in kB).
CREATE INDEX user_search_trigrams ON user_search USING gin (usher_trigrams(text)) WITH (gin_pending_list_limit = 512);
CREATE OR REPLACE FUNCTION usher_add_to_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO user_search (user_id, text)
  SELECT id, E'\n\n' || username_key || E'\n\n' || email_key || E'\n\n' || coalesce(display_name_key, '') FROM added;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION usher_change_in_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_search SET text =
    E'\n\n' || new.username_key || E'\n\n' || new.email_key || E'\n\n' || coalesce(new.display_name_key, '')
  WHERE user_id = new.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER user_search_insert AFTER INSERT ON users REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION usher_add_to_search();
CREATE TRIGGER user_search_update AFTER UPDATE OF username_key, email_key, display_name_key ON users
  FOR EACH ROW EXECUTE FUNCTION usher_change_in_search();

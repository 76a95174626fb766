-- Cookie only: until when the user asked to stay signed in. Null: an ordinary session.
ALTER TABLE sessions ADD COLUMN kept_until BIGINT;

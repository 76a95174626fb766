-- The language that a user has chosen, as a tag of RFC 5646 such as pt-BR. Null: that of the browser or the installation.
ALTER TABLE users ADD COLUMN locale TEXT;

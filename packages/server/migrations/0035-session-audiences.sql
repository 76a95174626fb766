-- Whom the access tokens of a session are for, unless a refresh asks for others: the audience that its login asked for; null for
-- Usher itself.
ALTER TABLE sessions ADD COLUMN audience TEXT;

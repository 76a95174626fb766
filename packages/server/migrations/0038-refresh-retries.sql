-- Bearer only: when a refresh token came again whose successor was not used yet; those of the last day, space separated.
ALTER TABLE sessions ADD COLUMN refresh_retries TEXT NOT NULL DEFAULT '';

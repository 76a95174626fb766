-- The time zone that a user has chosen, as an IANA name such as Europe/Berlin. Null: that of the browser, or UTC.
ALTER TABLE users ADD COLUMN time_zone TEXT;

-- Which email of the account this is, counted up with each change. A link that takes a change back has the number of the email
-- that it went to, so that an older email outranks the ones after it, whatever the clocks say.
ALTER TABLE users ADD COLUMN email_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE verifications ADD COLUMN email_version BIGINT;
-- Links from before keep their order among themselves, and come before all that are numbered: negative until the year 9999.
UPDATE verifications SET email_version = created_at - 253402300800000 WHERE purpose = 'restore_email';

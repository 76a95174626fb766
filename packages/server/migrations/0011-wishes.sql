-- What a flow is to do once its mail was answered: the names and password of a sign-up, or a new address. Sealed under a key
-- that is not in the database, and gone with the flow.
ALTER TABLE verifications ADD COLUMN pending_change_encrypted TEXT;

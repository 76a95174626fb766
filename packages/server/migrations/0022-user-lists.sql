-- The few that a list of administrators or of disabled users is about, in each order that lists have: without these, it would
-- be read from among all users.
CREATE INDEX users_admins ON users (id) WHERE admin_since IS NOT NULL;
CREATE INDEX users_admins_by_username ON users (username_key) WHERE admin_since IS NOT NULL;
CREATE INDEX users_admins_by_email ON users (email_key) WHERE admin_since IS NOT NULL;
CREATE INDEX users_disabled ON users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_disabled_by_username ON users (username_key) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_disabled_by_email ON users (email_key) WHERE disabled_at IS NOT NULL;

-- What the dearest password hash costs that was ever imported: one of the same kind that is nobody's. Every process learns
-- from it how long a failed sign-in has to take, so that the time does not tell who was imported.
ALTER TABLE installation ADD COLUMN slowest_hash TEXT;

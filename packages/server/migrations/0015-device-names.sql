-- The name that its user gives to a known device. Null: none.
ALTER TABLE devices ADD COLUMN name TEXT;
-- The known device that started the session, which may have been removed since. Null: started before this column.
ALTER TABLE sessions ADD COLUMN device_id TEXT COLLATE "binary";

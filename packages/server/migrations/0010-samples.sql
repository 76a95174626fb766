-- Values that the admin console charts and no event contains: the maximum in each ten minutes, and counts of deleted
-- events.
CREATE TABLE samples (
  -- When the ten minutes began.
  at BIGINT NOT NULL,
  name TEXT COLLATE "binary" NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (at, name)
);

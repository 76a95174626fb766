-- What the console shows over time and no event tells: the most that was seen in each ten minutes.
CREATE TABLE samples (
  -- When the ten minutes began.
  at BIGINT NOT NULL,
  name TEXT COLLATE "binary" NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (at, name)
);

-- How often a server's start has failed in a row: the next start has to wait longer each time.
ALTER TABLE servers ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;

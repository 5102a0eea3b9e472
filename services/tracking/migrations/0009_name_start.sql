-- The beginning of a run's name as a column of its own: an index of columns is read without the table, on PostgreSQL too,
-- which does not do so with an index of expressions.
ALTER TABLE runs ADD COLUMN name_start TEXT NOT NULL DEFAULT '';
UPDATE runs SET name_start = substr(name, 1, 100);
DROP INDEX runs_names;
CREATE INDEX runs_names ON runs (experiment, id, name_start);

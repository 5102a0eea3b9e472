-- Which parts a run's name may have (`name_parts.rs`); -1 where that was not worked out: it may have every one.
ALTER TABLE runs ADD COLUMN name_parts BIGINT NOT NULL DEFAULT -1;
DROP INDEX runs_names;
CREATE INDEX runs_names ON runs (experiment, id, name_parts, name_start);

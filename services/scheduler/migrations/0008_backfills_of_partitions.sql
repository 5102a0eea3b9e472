-- Of a schedule of partitions, backfills run keys, not dates.
ALTER TABLE backfill_runs ADD COLUMN partition_key TEXT;

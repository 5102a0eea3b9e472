-- When a push to the bundle's repository was told of last: every scheduler process looks.
ALTER TABLE dag_bundles ADD COLUMN pushed_at BIGINT;

-- Types of runs that the DAG may have, as a JSON list; every type where it is null.
ALTER TABLE dags ADD COLUMN allowed_run_types TEXT;
-- What was made first is listed first.
ALTER TABLE variables ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pools ADD COLUMN number BIGINT NOT NULL DEFAULT 0;

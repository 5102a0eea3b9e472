-- Points as they come, a row for each request, until they are sorted into metrics and latest_metrics. A row is written
-- at one place; its points belong to as many places as it has metrics.
CREATE TABLE metric_journal (
    id TEXT COLLATE "binary" PRIMARY KEY,
    run BIGINT NOT NULL,
    experiment BIGINT NOT NULL,
    points BYTEA NOT NULL
);

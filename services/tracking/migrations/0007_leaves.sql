-- The points of metrics, many in one row: a row of its own for each costs more than all else that a request does. The
-- rows of a metric divide its points, sorted by time, step and value, as the leaves of a tree do: each has those from
-- its bound up to the bound of the next. The first one's bound is empty, so that every point has its leaf.
CREATE TABLE metric_leaves (
    run BIGINT NOT NULL,
    key BIGINT NOT NULL,
    bound BYTEA NOT NULL,
    count BIGINT NOT NULL,
    first_step BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    points BYTEA NOT NULL,
    PRIMARY KEY (run, key, bound)
);
-- What is there in rows of its own is moved at the next start.
ALTER TABLE metrics RENAME TO metrics_by_row;

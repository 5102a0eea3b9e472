-- The journal needs no order, and so no index: a request writes one place of the file.
ALTER TABLE metric_journal RENAME TO old_metric_journal;
CREATE TABLE metric_journal (
    run BIGINT NOT NULL,
    experiment BIGINT NOT NULL,
    points BYTEA NOT NULL
);
INSERT INTO metric_journal SELECT run, experiment, points FROM old_metric_journal;
DROP TABLE old_metric_journal;

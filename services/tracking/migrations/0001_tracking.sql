-- Experiments, runs and what is logged to them. Rows that are many refer to a run by its number, not by its public id.

-- The next number of each kind.
CREATE TABLE sequences (name TEXT PRIMARY KEY, next BIGINT NOT NULL);
INSERT INTO sequences (name, next) VALUES ('experiment', 1), ('run', 1), ('metric_key', 1);

CREATE TABLE experiments (
    id BIGINT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    lifecycle_stage TEXT NOT NULL,
    creation_time BIGINT NOT NULL,
    last_update_time BIGINT NOT NULL
);
-- names are unique among the deleted ones too
CREATE UNIQUE INDEX experiments_by_name ON experiments (workspace, name);
CREATE INDEX experiments_by_creation ON experiments (workspace, lifecycle_stage, creation_time DESC, id);
CREATE TABLE experiment_tags (experiment BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (experiment, key));

CREATE TABLE runs (
    id BIGINT PRIMARY KEY,
    run_id TEXT NOT NULL,
    workspace TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT,
    lifecycle_stage TEXT NOT NULL,
    deleted_time BIGINT,
    artifact_uri TEXT NOT NULL
);
CREATE UNIQUE INDEX runs_by_run_id ON runs (run_id);
-- the order in which runs are listed unless asked otherwise
CREATE INDEX runs_by_start ON runs (experiment, lifecycle_stage, start_time DESC, run_id);
CREATE TABLE params (run BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, key));
CREATE TABLE tags (run BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, key));

-- Metric names as numbers: points are many, names are few.
CREATE TABLE metric_keys (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
CREATE UNIQUE INDEX metric_keys_by_name ON metric_keys (name);
-- Every point. The primary key makes a repeated request harmless and is the order in which a history is read.
-- A value is the bits of the real number, arranged so that they sort like it: exact on every engine, NaN included,
-- and quick to pack many points into one text.
CREATE TABLE metrics (
    run BIGINT NOT NULL,
    key BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (run, key, timestamp, step, value)
);
-- The latest point of each metric of a run, which is what searches compare and sort by.
CREATE TABLE latest_metrics (
    run BIGINT NOT NULL,
    key BIGINT NOT NULL,
    experiment BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BIGINT NOT NULL,
    step BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    PRIMARY KEY (run, key)
);
CREATE INDEX latest_metrics_by_value ON latest_metrics (experiment, key, is_nan, value, run);

CREATE TABLE datasets (
    id TEXT PRIMARY KEY,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT
);
CREATE UNIQUE INDEX datasets_by_name ON datasets (experiment, name, digest);
CREATE TABLE dataset_inputs (run BIGINT NOT NULL, dataset TEXT NOT NULL, PRIMARY KEY (run, dataset));
CREATE INDEX dataset_inputs_by_dataset ON dataset_inputs (dataset, run);
CREATE TABLE input_tags (run BIGINT NOT NULL, dataset TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, dataset, name));
CREATE TABLE model_inputs (run BIGINT NOT NULL, model_id TEXT NOT NULL, PRIMARY KEY (run, model_id));
CREATE TABLE model_outputs (run BIGINT NOT NULL, model_id TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (run, model_id));

CREATE TABLE logged_models (
    model_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    name TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    creation_timestamp_ms BIGINT NOT NULL,
    last_updated_timestamp_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    status_message TEXT,
    lifecycle_stage TEXT NOT NULL,
    model_type TEXT,
    source_run_id TEXT
);
CREATE INDEX logged_models_by_creation ON logged_models (experiment, lifecycle_stage, creation_timestamp_ms DESC, model_id);
CREATE INDEX logged_models_by_run ON logged_models (source_run_id);
CREATE TABLE logged_model_params (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE logged_model_tags (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE logged_model_metrics (
    model_id TEXT NOT NULL,
    key TEXT NOT NULL,
    timestamp BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    run_id TEXT NOT NULL,
    dataset_name TEXT,
    dataset_digest TEXT,
    PRIMARY KEY (model_id, key, timestamp, step, run_id)
);
CREATE INDEX logged_model_metrics_by_key ON logged_model_metrics (key, model_id);

-- Assets: what tasks make and DAGs wait for. Times are milliseconds since 1970 UTC, flags 0/1, JSON is text.

-- Numbers given out, which clients see. Whoever takes an event's number holds the row until its transaction ends: so
-- events become visible in the order of their numbers, and nobody starts a run while an event is being written.
CREATE TABLE asset_counters (
    name TEXT PRIMARY KEY,
    newest BIGINT NOT NULL
);
INSERT INTO asset_counters (name, newest) VALUES ('assets', 0), ('aliases', 0), ('events', 0), ('partition_runs', 0);

-- Of several assets with the same name, or the same URI, one is active.
CREATE TABLE assets (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    uri TEXT NOT NULL,
    group_name TEXT NOT NULL,
    extra TEXT NOT NULL,
    is_active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (name, uri)
);
CREATE INDEX assets_by_uri ON assets (uri);
CREATE UNIQUE INDEX assets_active_name ON assets (name) WHERE is_active = 1;
CREATE UNIQUE INDEX assets_active_uri ON assets (uri) WHERE is_active = 1;

CREATE TABLE asset_aliases (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    group_name TEXT NOT NULL
);

-- What aliases came to mean, as events were emitted through them.
CREATE TABLE asset_alias_assets (
    alias_id BIGINT NOT NULL,
    asset_id BIGINT NOT NULL,
    PRIMARY KEY (alias_id, asset_id)
);
CREATE INDEX asset_alias_assets_of_asset ON asset_alias_assets (asset_id);

-- What DAGs are scheduled on and what their tasks take and make. Kind: schedule, schedule_alias, schedule_name,
-- schedule_uri, inlet, outlet. Target: the name or URI of a reference by name or URI, else the number in target_id.
CREATE TABLE asset_references (
    dag_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    task_id TEXT NOT NULL,
    target TEXT NOT NULL,
    target_id BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, kind, task_id, target)
);
CREATE INDEX asset_references_to ON asset_references (kind, target_id);
CREATE INDEX asset_references_by_target ON asset_references (kind, target);

CREATE TABLE asset_events (
    id BIGINT PRIMARY KEY,
    asset_id BIGINT NOT NULL,
    extra TEXT NOT NULL,
    source_task_id TEXT,
    source_dag_id TEXT,
    source_run_id TEXT,
    source_map_index BIGINT NOT NULL,
    partition_key TEXT,
    timestamp BIGINT NOT NULL
);
CREATE INDEX asset_events_of_asset ON asset_events (asset_id, timestamp);
CREATE INDEX asset_events_by_time ON asset_events (timestamp);
CREATE INDEX asset_events_of_source ON asset_events (source_dag_id, source_run_id);

CREATE TABLE asset_alias_events (
    alias_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    PRIMARY KEY (event_id, alias_id)
);
CREATE INDEX asset_alias_events_of_alias ON asset_alias_events (alias_id, event_id);

-- The events that a run was started with.
CREATE TABLE dag_run_asset_events (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    event_id BIGINT NOT NULL,
    PRIMARY KEY (dag_id, run_id, event_id)
);
CREATE INDEX dag_run_asset_events_of_event ON dag_run_asset_events (event_id);
CREATE INDEX dag_run_asset_events_newest ON dag_run_asset_events (dag_id, event_id);

-- Assets with news for a DAG that has not been started with them.
CREATE TABLE asset_queue (
    dag_id TEXT NOT NULL,
    asset_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, asset_id)
);
CREATE INDEX asset_queue_of_asset ON asset_queue (asset_id);

-- Runs to come of DAGs that run per partition, and the source keys that have arrived for them.
CREATE TABLE asset_partition_runs (
    id BIGINT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    partition_key TEXT NOT NULL,
    partition_date BIGINT,
    fingerprint TEXT NOT NULL,
    run_id TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX asset_partition_runs_of_key ON asset_partition_runs (dag_id, partition_key, id);
CREATE INDEX asset_partition_runs_pending ON asset_partition_runs (created_at, id) WHERE run_id IS NULL;

CREATE TABLE asset_partition_keys (
    partition_run_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    asset_id BIGINT NOT NULL,
    source_key TEXT NOT NULL,
    PRIMARY KEY (partition_run_id, event_id)
);

ALTER TABLE dag_runs ADD COLUMN partition_date BIGINT;

-- What tasks, watchers and people keep with an asset, from one run to the next; kind of writer: task, watcher or api.
CREATE TABLE asset_state_store (
    asset_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    writer_kind TEXT NOT NULL,
    writer_dag_id TEXT,
    writer_run_id TEXT,
    writer_task_id TEXT,
    writer_map_index BIGINT,
    PRIMARY KEY (asset_id, key)
);

-- What watches assets from outside: triggers that run as long as a DAG that waits for the asset may run. Their rows in
-- `triggers` are of no instance, and their ids are made of what they run: the same trigger runs once, for all its assets.
CREATE TABLE asset_watchers (
    dag_id TEXT NOT NULL,
    asset_id BIGINT NOT NULL,
    trigger_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, asset_id, trigger_id)
);
CREATE INDEX asset_watchers_of_trigger ON asset_watchers (trigger_id);
CREATE INDEX asset_watchers_of_asset ON asset_watchers (asset_id);

-- How each git bundle is getting on.
CREATE TABLE dag_bundles (
    name TEXT PRIMARY KEY,
    version TEXT,
    refreshed_at BIGINT NOT NULL,
    error TEXT
);

-- What is to be known about a DAG that can be imported (upstream's `dag_warning`).
CREATE TABLE dag_warnings (
    dag_id TEXT NOT NULL,
    warning_type TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, warning_type)
);

CREATE INDEX dag_runs_pinned ON dag_runs (bundle_version, dag_version_id) WHERE bundle_version IS NOT NULL;

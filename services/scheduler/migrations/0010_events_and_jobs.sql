-- What people did over the API and what tasks said of their states (upstream's table `log`). The id is what the API
-- shows: it sorts by time, and two events may share one.
CREATE TABLE event_logs (
    uid TEXT PRIMARY KEY,
    id BIGINT NOT NULL,
    logged_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    dag_id TEXT,
    task_id TEXT,
    run_id TEXT,
    map_index BIGINT,
    try_number BIGINT,
    logical_date BIGINT,
    owner TEXT,
    extra TEXT
);
CREATE INDEX event_logs_by_id ON event_logs (id);
CREATE INDEX event_logs_of_task ON event_logs (dag_id, run_id, task_id, map_index);

-- DAGs that somebody likes best.
CREATE TABLE dag_favorites (
    dag_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    PRIMARY KEY (dag_id, user_name)
);

-- Processes that schedule, parse DAG files and run triggers, and their signs of life (upstream's table `job`).
CREATE TABLE jobs (
    uid TEXT PRIMARY KEY,
    id BIGINT NOT NULL,
    job_type TEXT NOT NULL,
    state TEXT NOT NULL,
    hostname TEXT NOT NULL,
    start_date BIGINT NOT NULL,
    end_date BIGINT,
    latest_heartbeat BIGINT NOT NULL
);

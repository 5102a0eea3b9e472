-- Times are milliseconds since 1970 UTC, flags 0/1, JSON is text. A task instance's id changes with every try, as upstream's does.

-- Files of bundles as they were last parsed: an unchanged file is not parsed again.
CREATE TABLE dag_files (
    bundle_name TEXT NOT NULL,
    relative_path TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    asked TEXT NOT NULL,
    dag_ids TEXT NOT NULL,
    parser TEXT NOT NULL,
    parsed_at BIGINT NOT NULL,
    parse_seconds DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (bundle_name, relative_path)
);

CREATE TABLE import_errors (
    bundle_name TEXT NOT NULL,
    filename TEXT NOT NULL,
    id BIGINT NOT NULL,
    stack_trace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bundle_name, filename)
);

CREATE TABLE dags (
    dag_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    bundle_name TEXT NOT NULL,
    bundle_version TEXT,
    relative_fileloc TEXT NOT NULL,
    fileloc TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT,
    owners TEXT NOT NULL,
    is_paused BIGINT NOT NULL,
    is_stale BIGINT NOT NULL,
    has_import_errors BIGINT NOT NULL,
    timetable_type TEXT NOT NULL,
    timetable_summary TEXT,
    timetable_description TEXT,
    timetable_periodic BIGINT NOT NULL,
    max_active_tasks BIGINT NOT NULL,
    max_active_runs BIGINT NOT NULL,
    max_consecutive_failed_dag_runs BIGINT NOT NULL,
    has_task_concurrency_limits BIGINT NOT NULL,
    last_parsed_at BIGINT NOT NULL,
    last_parse_seconds DOUBLE PRECISION NOT NULL,
    next_logical_date BIGINT,
    next_interval_start BIGINT,
    next_interval_end BIGINT,
    next_run_after BIGINT,
    latest_version_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX dags_due ON dags (next_run_after) WHERE is_paused = 0 AND is_stale = 0 AND next_run_after IS NOT NULL;
CREATE INDEX dags_by_file ON dags (bundle_name, relative_fileloc);

CREATE TABLE dag_tags (
    dag_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (dag_id, name)
);
CREATE INDEX dag_tags_by_name ON dag_tags (name, dag_id);

-- What a DAG was at a time. A DAG run stays with the version that it was created with.
CREATE TABLE dag_versions (
    id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    version_number BIGINT NOT NULL,
    dag_hash TEXT NOT NULL,
    serialized TEXT NOT NULL,
    source TEXT,
    bundle_name TEXT NOT NULL,
    bundle_version TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (dag_id, version_number)
);

CREATE TABLE dag_runs (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    run_type TEXT NOT NULL,
    state TEXT NOT NULL,
    logical_date BIGINT,
    data_interval_start BIGINT,
    data_interval_end BIGINT,
    run_after BIGINT NOT NULL,
    queued_at BIGINT,
    start_date BIGINT,
    end_date BIGINT,
    conf TEXT,
    note TEXT,
    triggered_by TEXT,
    triggering_user_name TEXT,
    partition_key TEXT,
    backfill_id TEXT,
    clear_number BIGINT NOT NULL,
    dag_version_id TEXT NOT NULL,
    bundle_version TEXT,
    last_scheduling_decision BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, run_id),
    UNIQUE (dag_id, logical_date)
);
CREATE INDEX dag_runs_by_age ON dag_runs (dag_id, run_after, run_id);
CREATE INDEX dag_runs_recent ON dag_runs (run_after, dag_id, run_id);
CREATE INDEX dag_runs_active ON dag_runs (state, run_after) WHERE state IN ('queued', 'running');
CREATE INDEX dag_runs_active_of_dag ON dag_runs (dag_id, state) WHERE state IN ('queued', 'running');
CREATE INDEX dag_runs_of_version ON dag_runs (dag_version_id);

CREATE TABLE task_instances (
    id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    map_index BIGINT NOT NULL,
    state TEXT,
    try_number BIGINT NOT NULL,
    max_tries BIGINT NOT NULL,
    start_date BIGINT,
    end_date BIGINT,
    scheduled_at BIGINT,
    queued_at BIGINT,
    pool TEXT NOT NULL,
    pool_slots BIGINT NOT NULL,
    queue TEXT NOT NULL,
    priority_weight BIGINT NOT NULL,
    operator TEXT NOT NULL,
    operator_name TEXT NOT NULL,
    task_display_name TEXT NOT NULL,
    dag_version_id TEXT NOT NULL,
    hostname TEXT,
    unixname TEXT,
    pid BIGINT,
    worker_id TEXT,
    lease_until BIGINT,
    due_at BIGINT,
    retry_delay_override DOUBLE PRECISION,
    retry_reason TEXT,
    next_method TEXT,
    next_kwargs TEXT,
    trigger_classpath TEXT,
    trigger_kwargs TEXT,
    trigger_timeout BIGINT,
    rendered_map_index TEXT,
    note TEXT,
    updated_at BIGINT NOT NULL,
    UNIQUE (dag_id, run_id, task_id, map_index)
);
-- Finished ones are most of the table and of no interest to the loop.
CREATE INDEX task_instances_active ON task_instances (state, priority_weight) WHERE state IN ('scheduled', 'queued', 'running', 'restarting', 'deferred');
CREATE INDEX task_instances_leased ON task_instances (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_instances_due ON task_instances (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX task_instances_of_task ON task_instances (dag_id, task_id, map_index);

-- Earlier tries. A revoked one may still run somewhere and is to be killed there.
CREATE TABLE task_instance_history (
    id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    map_index BIGINT NOT NULL,
    state TEXT,
    try_number BIGINT NOT NULL,
    max_tries BIGINT NOT NULL,
    start_date BIGINT,
    end_date BIGINT,
    scheduled_at BIGINT,
    queued_at BIGINT,
    pool TEXT NOT NULL,
    pool_slots BIGINT NOT NULL,
    queue TEXT NOT NULL,
    priority_weight BIGINT NOT NULL,
    operator TEXT NOT NULL,
    operator_name TEXT NOT NULL,
    task_display_name TEXT NOT NULL,
    dag_version_id TEXT NOT NULL,
    hostname TEXT,
    unixname TEXT,
    pid BIGINT,
    retry_reason TEXT,
    rendered_map_index TEXT,
    note TEXT,
    is_revoked BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX task_instance_history_of_run ON task_instance_history (dag_id, run_id, task_id, map_index, try_number);

-- Times a sensor in reschedule mode gave its slot back.
CREATE TABLE task_reschedules (
    ti_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    start_date BIGINT NOT NULL,
    end_date BIGINT NOT NULL,
    reschedule_date BIGINT NOT NULL,
    PRIMARY KEY (ti_id, number)
);

CREATE TABLE xcoms (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    map_index BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    mapped_length BIGINT,
    dag_result BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, run_id, task_id, map_index, key)
);

CREATE TABLE rendered_fields (
    ti_id TEXT PRIMARY KEY,
    fields TEXT NOT NULL
);

CREATE TABLE variables (
    key TEXT PRIMARY KEY,
    value TEXT,
    description TEXT,
    is_encrypted BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE connections (
    conn_id TEXT PRIMARY KEY,
    conn_type TEXT NOT NULL,
    description TEXT,
    host TEXT,
    login TEXT,
    password TEXT,
    schema_name TEXT,
    port BIGINT,
    extra TEXT,
    is_encrypted BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE pools (
    name TEXT PRIMARY KEY,
    slots BIGINT NOT NULL,
    description TEXT,
    include_deferred BIGINT NOT NULL
);
INSERT INTO pools (name, slots, description, include_deferred) VALUES ('default_pool', 128, 'Default pool', 0);

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    hostname TEXT NOT NULL,
    queues TEXT NOT NULL,
    slots BIGINT NOT NULL,
    registered_at BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);

-- Where the log of each try is: in log_chunks while it runs, then one object of the artifact service.
CREATE TABLE task_logs (
    ti_id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    size BIGINT NOT NULL,
    is_complete BIGINT NOT NULL,
    is_stored BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX task_logs_to_store ON task_logs (updated_at) WHERE is_stored = 0;

CREATE TABLE log_chunks (
    ti_id TEXT NOT NULL,
    start_byte BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (ti_id, start_byte)
);

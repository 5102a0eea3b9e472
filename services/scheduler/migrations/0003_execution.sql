-- What deferred task instances wait for. The arguments are encrypted; a host is one scheduler process, which holds a trigger
-- under a lease; one that fires at a time has that time and no host. A row whose instance is not deferred any more is stale.
CREATE TABLE triggers (
    id TEXT PRIMARY KEY,
    ti_id TEXT NOT NULL,
    classpath TEXT NOT NULL,
    kwargs TEXT NOT NULL,
    from_dag BIGINT NOT NULL,
    fires_at BIGINT,
    host TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX triggers_of_instance ON triggers (ti_id);
CREATE INDEX triggers_hosted ON triggers (created_at) WHERE fires_at IS NULL;
ALTER TABLE task_instances DROP COLUMN trigger_classpath;
ALTER TABLE task_instances DROP COLUMN trigger_kwargs;

-- What tasks asked of people, and the answers.
CREATE TABLE hitl_details (
    ti_id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    map_index BIGINT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT,
    options TEXT NOT NULL,
    defaults TEXT,
    multiple BIGINT NOT NULL,
    params TEXT NOT NULL,
    assigned_users TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    responded_at BIGINT,
    responded_by_id TEXT,
    responded_by_name TEXT,
    chosen_options TEXT,
    params_input TEXT NOT NULL
);
CREATE INDEX hitl_details_of_run ON hitl_details (dag_id, run_id, task_id, map_index);

-- Callbacks to be run on the Python side. The row is written with what it tells of, and removed when it was run.
CREATE TABLE callbacks (
    id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    request TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    lease_until BIGINT,
    created_at BIGINT NOT NULL
);

-- A large value is an object of the artifact service; `value` is empty then.
ALTER TABLE xcoms ADD COLUMN object TEXT;

-- Objects of the artifact service that nothing speaks of any more.
CREATE TABLE doomed_objects (
    path TEXT PRIMARY KEY,
    doomed_at BIGINT NOT NULL
);

-- A try may be several processes one after another, each with a log that begins at 0.
ALTER TABLE log_chunks ADD COLUMN segment TEXT;
ALTER TABLE log_chunks ADD COLUMN segment_byte BIGINT;
CREATE UNIQUE INDEX log_chunks_once ON log_chunks (ti_id, segment, segment_byte);

-- What tasks keep from one try to the next.
CREATE TABLE task_state_store (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    map_index BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (dag_id, run_id, task_id, map_index, key)
);

-- When runs were to have ended at the latest, and what is to be called when they have not.
CREATE TABLE deadlines (
    id TEXT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    callback TEXT NOT NULL
);
CREATE INDEX deadlines_due ON deadlines (due_at);
CREATE INDEX deadlines_of_run ON deadlines (dag_id, run_id);

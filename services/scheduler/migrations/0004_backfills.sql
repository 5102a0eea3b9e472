-- Ranges of a DAG's schedule that are run (again), and the run that each of their dates has, or why it has none.
CREATE TABLE backfills (
    id BIGINT PRIMARY KEY,
    dag_id TEXT NOT NULL,
    from_date BIGINT NOT NULL,
    to_date BIGINT NOT NULL,
    dag_run_conf TEXT,
    is_paused BIGINT NOT NULL,
    reprocess_behavior TEXT NOT NULL,
    max_active_runs BIGINT NOT NULL,
    triggering_user_name TEXT,
    created_at BIGINT NOT NULL,
    completed_at BIGINT,
    updated_at BIGINT NOT NULL
);
CREATE INDEX backfills_of_dag ON backfills (dag_id, id);
CREATE INDEX backfills_active ON backfills (dag_id) WHERE completed_at IS NULL;

CREATE TABLE backfill_runs (
    backfill_id BIGINT NOT NULL,
    sort_ordinal BIGINT NOT NULL,
    dag_id TEXT NOT NULL,
    run_id TEXT,
    logical_date BIGINT,
    exception_reason TEXT,
    PRIMARY KEY (backfill_id, sort_ordinal)
);
CREATE INDEX backfill_runs_of_run ON backfill_runs (dag_id, run_id);
CREATE INDEX dag_runs_of_backfill ON dag_runs (backfill_id, state) WHERE backfill_id IS NOT NULL;

-- Traces: what a call of a program did, span by span, and what people and judges say of it.
CREATE TABLE traces (
    trace_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    experiment BIGINT NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    execution_time_ms BIGINT,
    status TEXT NOT NULL,
    client_request_id TEXT,
    request_preview TEXT,
    response_preview TEXT,
    trace_name TEXT,
    session_id TEXT,
    -- set once the client has told the whole of it; spans that come later change no times then
    finalized BIGINT NOT NULL,
    input_tokens BIGINT,
    output_tokens BIGINT,
    total_tokens BIGINT,
    cache_read_input_tokens BIGINT,
    cache_creation_input_tokens BIGINT,
    cache_creation_input_tokens_above_1hr BIGINT,
    input_cost DOUBLE PRECISION,
    output_cost DOUBLE PRECISION,
    total_cost DOUBLE PRECISION
);
-- the order in which traces are listed unless asked otherwise
CREATE INDEX traces_by_time ON traces (experiment, timestamp_ms DESC, trace_id);
CREATE INDEX traces_by_session ON traces (experiment, session_id);
CREATE TABLE trace_tags (trace_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (trace_id, key));
CREATE TABLE trace_metadata (trace_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (trace_id, key));
-- Runs and prompt versions that a trace belongs to: kind is 'run' or 'prompt'.
CREATE TABLE trace_links (trace_id TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (trace_id, kind, target));
CREATE INDEX trace_links_by_target ON trace_links (kind, target, trace_id);

-- A span is kept as the JSON that clients get; the columns beside it are what is searched. Empty texts stand for none.
CREATE TABLE spans (
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_span_id TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    start_time_unix_nano BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
);

CREATE TABLE assessments (
    assessment_id TEXT PRIMARY KEY,
    trace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- 'feedback', 'expectation' or 'issue'
    assessment_type TEXT NOT NULL,
    -- JSON, as the error and the metadata are
    value TEXT NOT NULL,
    -- the value where it is a number, for comparisons
    number DOUBLE PRECISION,
    error TEXT,
    create_time_ms BIGINT NOT NULL,
    last_update_time_ms BIGINT NOT NULL,
    source_type TEXT NOT NULL,
    source_id TEXT,
    span_id TEXT,
    rationale TEXT,
    overrides TEXT,
    valid BIGINT NOT NULL,
    metadata TEXT
);
CREATE INDEX assessments_by_trace ON assessments (trace_id, create_time_ms, assessment_id);
CREATE INDEX assessments_by_name ON assessments (assessment_type, name, trace_id);

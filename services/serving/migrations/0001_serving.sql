-- What is served under which name, and every model version that was brought up for it.

CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    creator TEXT NOT NULL,
    -- JSON object of the endpoint's tags
    tags TEXT NOT NULL,
    -- JSON: the served entity as it was asked for
    entity TEXT NOT NULL,
    -- the registered model, and which of its versions: a number, `@alias` or `latest`
    model TEXT NOT NULL,
    selector TEXT NOT NULL,
    -- counts what changed the wish: a new configuration, a moved alias
    generation BIGINT NOT NULL,
    -- building, ready or failed
    state TEXT NOT NULL,
    -- settled, rolling or failed: whether what serves is what is wished for
    roll TEXT NOT NULL,
    -- for people: what is being done, or what went wrong
    message TEXT NOT NULL,
    -- the version and revision that serve or served last; the version that is wished for, once it is known
    active_revision BIGINT,
    active_version BIGINT,
    wanted_version BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (workspace, name)
);
CREATE INDEX endpoints_by_model ON endpoints (workspace, model);

CREATE TABLE revisions (
    endpoint_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- where the model lies in the artifact service
    artifact_path TEXT NOT NULL,
    -- building, ready, failed or retired
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, number)
);

CREATE TABLE registered_models (
    workspace TEXT NOT NULL,
    name TEXT COLLATE "binary" NOT NULL,
    description TEXT NOT NULL,
    creation_time BIGINT NOT NULL,
    last_updated_time BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);
CREATE INDEX registered_models_by_update ON registered_models (workspace, last_updated_time);

CREATE TABLE registered_model_tags (
    workspace TEXT NOT NULL,
    name TEXT COLLATE "binary" NOT NULL,
    key TEXT COLLATE "binary" NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (workspace, name, key),
    FOREIGN KEY (workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX registered_model_tags_by_key ON registered_model_tags (workspace, key, name);

-- A deleted version stays as a scrubbed row (stage Deleted_Internal): its number is never given again.
-- Empty and absent texts differ on the wire, so the columns may be NULL.
CREATE TABLE model_versions (
    workspace TEXT NOT NULL,
    name TEXT COLLATE "binary" NOT NULL,
    version BIGINT NOT NULL,
    creation_time BIGINT NOT NULL,
    last_updated_time BIGINT NOT NULL,
    current_stage TEXT NOT NULL,
    description TEXT,
    source TEXT,
    storage_location TEXT,
    run_id TEXT,
    run_link TEXT,
    model_id TEXT,
    PRIMARY KEY (workspace, name, version),
    FOREIGN KEY (workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX model_versions_by_update ON model_versions (workspace, last_updated_time);
CREATE INDEX model_versions_by_run ON model_versions (workspace, run_id);

CREATE TABLE model_version_tags (
    workspace TEXT NOT NULL,
    name TEXT COLLATE "binary" NOT NULL,
    version BIGINT NOT NULL,
    key TEXT COLLATE "binary" NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (workspace, name, version, key),
    FOREIGN KEY (workspace, name, version) REFERENCES model_versions (workspace, name, version) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX model_version_tags_by_key ON model_version_tags (workspace, key, name);

CREATE TABLE registered_model_aliases (
    workspace TEXT NOT NULL,
    name TEXT COLLATE "binary" NOT NULL,
    alias TEXT COLLATE "binary" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace, name, alias),
    FOREIGN KEY (workspace, name, version) REFERENCES model_versions (workspace, name, version) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX registered_model_aliases_by_version ON registered_model_aliases (workspace, name, version);

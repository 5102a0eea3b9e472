-- Workspaces beside the default one, each with its own experiments, runs and models.
CREATE TABLE workspaces (
    name TEXT PRIMARY KEY,
    description TEXT,
    -- where artifacts go instead of the installation's place
    default_artifact_root TEXT,
    trace_archival_location TEXT,
    trace_archival_retention TEXT
);
INSERT INTO workspaces (name, description) VALUES ('default', 'Default workspace for legacy resources');

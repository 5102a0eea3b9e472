-- Who may do what with experiments, models and workspaces: roles, their permissions, and who has them.

-- The next number of each kind; numbers are what MLflow's API knows users and roles by.
CREATE TABLE counters (name TEXT PRIMARY KEY, last BIGINT NOT NULL);

CREATE TABLE user_numbers (user_name TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE);
INSERT INTO user_numbers (user_name, number)
    SELECT name, (SELECT COUNT(*) FROM users o WHERE o.created < u.created OR (o.created = u.created AND o.name <= u.name)) FROM users u;
INSERT INTO counters (name, last) SELECT 'user', COUNT(*) FROM users;
INSERT INTO counters (name, last) VALUES ('role', 0), ('permission', 0), ('assignment', 0);

CREATE TABLE roles (
    id BIGINT PRIMARY KEY,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    -- the user whose own grants it holds; NULL for a role that somebody made
    owner TEXT
);
CREATE UNIQUE INDEX roles_by_name ON roles (workspace, name);
CREATE INDEX roles_by_owner ON roles (owner);

CREATE TABLE role_permissions (
    id BIGINT PRIMARY KEY,
    role_id BIGINT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_pattern TEXT NOT NULL,
    permission TEXT NOT NULL
);
CREATE UNIQUE INDEX role_permissions_by_resource ON role_permissions (role_id, resource_type, resource_pattern);
CREATE INDEX role_permissions_by_pattern ON role_permissions (resource_type, resource_pattern);

CREATE TABLE role_assignments (id BIGINT PRIMARY KEY, user_name TEXT NOT NULL, role_id BIGINT NOT NULL);
CREATE UNIQUE INDEX role_assignments_by_user ON role_assignments (user_name, role_id);
CREATE INDEX role_assignments_by_role ON role_assignments (role_id);

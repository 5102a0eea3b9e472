-- Upstream's groups, roles of scopes, services and shares.

CREATE TABLE user_groups (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    -- JSON object
    properties TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- the order in which they came
    number BIGINT NOT NULL,
    PRIMARY KEY (group_name, user_name)
);
CREATE INDEX group_members_by_user ON group_members (user_name);

-- Roles that somebody made; upstream's own and those of the settings are in no table.
CREATE TABLE scope_roles (name TEXT PRIMARY KEY, description TEXT NOT NULL, scopes TEXT NOT NULL);

-- Who has which role beside what the settings say; holder_kind is user, group or service.
CREATE TABLE scope_role_holders (
    role_name TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    PRIMARY KEY (role_name, holder_kind, holder_name)
);
CREATE INDEX scope_role_holders_by_holder ON scope_role_holders (holder_kind, holder_name);

-- Services that were made by the API; those of the settings are in no table.
CREATE TABLE hub_services (name TEXT PRIMARY KEY, spec TEXT NOT NULL, created BIGINT NOT NULL);

-- Which replica keeps the process of a managed service, and until when it is believed to.
CREATE TABLE service_keepers (name TEXT PRIMARY KEY, keeper TEXT NOT NULL, until BIGINT NOT NULL, pid BIGINT NOT NULL);

-- Of a service's token: whose it is; its user_name is empty.
ALTER TABLE tokens ADD COLUMN service_name TEXT;
CREATE INDEX tokens_by_service ON tokens (service_name);

-- Access to a server that its owner has given to a user or a group.
CREATE TABLE shares (
    id BIGINT PRIMARY KEY,
    owner_name TEXT NOT NULL,
    server_name TEXT NOT NULL,
    -- user or group
    grantee_kind TEXT NOT NULL,
    grantee_name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX shares_by_server ON shares (owner_name, server_name, grantee_kind, grantee_name);
CREATE INDEX shares_by_grantee ON shares (grantee_kind, grantee_name);

-- Codes that can be exchanged for such access; stored as the SHA-256 of a random secret.
CREATE TABLE share_codes (
    id BIGINT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    owner_name TEXT NOT NULL,
    server_name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    exchange_count BIGINT NOT NULL,
    last_exchanged BIGINT
);
CREATE INDEX share_codes_by_server ON share_codes (owner_name, server_name);

INSERT INTO counters (name, last) VALUES ('group', 0), ('member', 0), ('share', 0), ('share_code', 0);

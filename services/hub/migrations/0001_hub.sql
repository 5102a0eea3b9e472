-- Who may enter, by what credential, and where each notebook server runs.

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    admin BIGINT NOT NULL,
    -- argon2id in PHC form; NULL: cannot log in with a password
    password TEXT,
    created BIGINT NOT NULL,
    last_activity BIGINT
);
CREATE INDEX users_by_age ON users (created, name);

-- Credentials are stored as the SHA-256 of a random secret.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    -- what other tables and the browser's jupyterhub-session-id cookie know it by
    id TEXT NOT NULL UNIQUE,
    user_name TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_name);
CREATE INDEX sessions_by_end ON sessions (expires);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    -- api: asked for by somebody; oauth: given to a notebook server's page; server: the notebook server's own;
    -- kernel: for the code that runs in it
    kind TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- of kind server and kernel: the server it belongs to
    server_name TEXT,
    -- of kind oauth: whom it was given to; of kind server: the OAuth client that it authenticates
    client_id TEXT,
    note TEXT NOT NULL,
    scopes TEXT NOT NULL,
    session_id TEXT,
    created BIGINT NOT NULL,
    expires BIGINT,
    last_activity BIGINT
);
CREATE INDEX tokens_by_user ON tokens (user_name);
CREATE INDEX tokens_by_session ON tokens (session_id);
CREATE INDEX tokens_by_client ON tokens (client_id);

-- Given out once, for one exchange.
CREATE TABLE oauth_codes (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    session_id TEXT,
    scopes TEXT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE servers (
    user_name TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    user_options TEXT NOT NULL,
    -- pending, ready, stopping, stopped, failed
    state TEXT NOT NULL,
    -- names one start: a late word about an earlier one changes nothing
    launch TEXT NOT NULL,
    progress BIGINT NOT NULL,
    -- JSON list of the start's steps
    steps TEXT NOT NULL,
    -- why the last start or run failed, and the last lines of its log; kept until the next start
    failure TEXT,
    log_tail TEXT,
    -- where it listens
    url TEXT,
    -- the process and when it started; both mean something only on `node`
    pid BIGINT,
    pid_started BIGINT,
    node TEXT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT,
    last_activity BIGINT,
    changed BIGINT NOT NULL,
    PRIMARY KEY (user_name, name)
);
CREATE INDEX servers_by_state ON servers (state);

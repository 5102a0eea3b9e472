-- Users who sign in elsewhere.

-- Whom a provider (an OpenID Connect issuer, or pam) knows by which subject.
CREATE TABLE identities (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- what is kept of the sign-in, sealed with the installation's key; NULL: nothing
    state TEXT,
    -- when the provider last vouched for them
    checked BIGINT NOT NULL,
    PRIMARY KEY (provider, subject)
);
CREATE UNIQUE INDEX identities_by_user ON identities (user_name, provider);

-- Why a user may not be here, whatever they show: blocked (by the settings), provider (it knows them no more). NULL: they may.
ALTER TABLE users ADD COLUMN suspended TEXT;

-- By which provider a session was opened; NULL: by a password.
ALTER TABLE sessions ADD COLUMN provider TEXT;

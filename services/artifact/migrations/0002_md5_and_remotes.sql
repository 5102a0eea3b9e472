-- MD5 of the bytes: the name that DVC gives them, and the ETag of S3. NULL where nobody has read the bytes yet: they were
-- there before this column, or a client put them into the object store itself. Then `sha256` may be a stand-in.
ALTER TABLE blobs ADD COLUMN md5 TEXT;
CREATE INDEX blobs_unread ON blobs (created_at) WHERE md5 IS NULL;

-- Was this place given to an upload? Then freeing it also ends what is left of that upload.
ALTER TABLE orphans ADD COLUMN upload BIGINT NOT NULL DEFAULT 0;

-- DVC remotes. `name` is the MD5 of the content, with `.dir` for the list of a folder; nothing here ever changes.
CREATE TABLE dvc_objects (
    workspace TEXT NOT NULL,
    repo TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256) DEFERRABLE INITIALLY DEFERRED,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, repo, name)
);
CREATE INDEX dvc_objects_by_content ON dvc_objects (sha256);

-- Uploads whose bytes go from the client to the object store. `id` is the client's word for it, `upload` the store's.
CREATE TABLE direct_uploads (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    path TEXT NOT NULL,
    location TEXT NOT NULL,
    upload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    completed_at BIGINT
);
CREATE INDEX direct_uploads_by_age ON direct_uploads (created_at);

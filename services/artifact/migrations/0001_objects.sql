-- Bytes, each content once. `refs` objects point to it; without any it is forgotten after the grace time.
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY,
    location TEXT NOT NULL,
    size BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    unreferenced_since BIGINT
);
CREATE INDEX blobs_unreferenced ON blobs (unreferenced_since) WHERE unreferenced_since IS NOT NULL;

-- What a path means. Folders exist only as the beginnings of paths. A writer takes the path first and counts the
-- content after it, so the reference is checked at commit.
CREATE TABLE objects (
    workspace TEXT NOT NULL,
    path TEXT COLLATE "binary" NOT NULL,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256) DEFERRABLE INITIALLY DEFERRED,
    size BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, path)
);
CREATE INDEX objects_by_content ON objects (sha256);

-- Places in the object store that no blob names: uploads under way and bytes that were let go.
-- Whatever still stands here at `due` is deleted from the store.
CREATE TABLE orphans (
    location TEXT PRIMARY KEY,
    due BIGINT NOT NULL
);
CREATE INDEX orphans_by_due ON orphans (due);

-- The S3 endpoint's own tree: keys are any text, so they do not share the rules of artifact paths.

-- Names are one installation's: clients of S3 cannot say a workspace, so the bucket says it.
CREATE TABLE s3_buckets (
    name TEXT COLLATE "binary" PRIMARY KEY,
    workspace TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What a key means. Its bytes are the pieces of `content`, one after the other.
CREATE TABLE s3_objects (
    bucket TEXT COLLATE "binary" NOT NULL REFERENCES s3_buckets (name),
    key TEXT COLLATE "binary" NOT NULL,
    content TEXT NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    -- JSON: content type and the other headers that come back with the bytes, and x-amz-meta-*
    headers TEXT NOT NULL,
    -- JSON: algorithm and value; NULL where the writer gave none
    checksum TEXT,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, key)
);

-- Multipart uploads under way. The upload's id becomes the object's content, so that its parts are the object's pieces.
CREATE TABLE s3_uploads (
    id TEXT COLLATE "binary" PRIMARY KEY,
    bucket TEXT COLLATE "binary" NOT NULL,
    key TEXT COLLATE "binary" NOT NULL,
    headers TEXT NOT NULL,
    checksum TEXT,
    created_at BIGINT NOT NULL,
    -- when the last part came: an upload that nobody continues is given up
    active_at BIGINT NOT NULL
);
CREATE INDEX s3_uploads_by_key ON s3_uploads (bucket, key, id);
CREATE INDEX s3_uploads_by_activity ON s3_uploads (active_at);

-- Bytes of objects and uploads: each piece is a counted reference to a blob.
CREATE TABLE s3_pieces (
    content TEXT NOT NULL,
    number BIGINT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256) DEFERRABLE INITIALLY DEFERRED,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (content, number)
);
CREATE INDEX s3_pieces_by_blob ON s3_pieces (sha256);

-- Contents are known by their SHA-256 alone. MD5 is what DVC and S3 call an object, and only their uploads pay for it.
DROP INDEX blobs_unread;
ALTER TABLE blobs DROP COLUMN md5;
-- A stand-in is no hash, and is not as long as one.
CREATE INDEX blobs_unread ON blobs (created_at, sha256) WHERE length(sha256) <> 64;
